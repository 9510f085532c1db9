/** Threads that repeat one step until they are stopped. */
@NullMarked
package dev.posthorn.delivery.background;

import org.jspecify.annotations.NullMarked;
