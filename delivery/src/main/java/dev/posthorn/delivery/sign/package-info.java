/** Fourth step: a claimed delivery becomes a signed request. */
@NullMarked
package dev.posthorn.delivery.sign;

import org.jspecify.annotations.NullMarked;
