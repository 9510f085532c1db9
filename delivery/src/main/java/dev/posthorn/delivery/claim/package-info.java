/** Third step: due deliveries are leased. */
@NullMarked
package dev.posthorn.delivery.claim;

import org.jspecify.annotations.NullMarked;
