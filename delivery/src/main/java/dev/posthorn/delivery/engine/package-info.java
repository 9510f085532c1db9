/** Composes the steps into a running engine. */
@NullMarked
package dev.posthorn.delivery.engine;

import org.jspecify.annotations.NullMarked;
