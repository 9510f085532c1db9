/** Last step: outcomes are recorded. */
@NullMarked
package dev.posthorn.delivery.settle;

import org.jspecify.annotations.NullMarked;
