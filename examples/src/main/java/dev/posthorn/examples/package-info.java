/** Runnable examples, one class per use. */
@NullMarked
package dev.posthorn.examples;

import org.jspecify.annotations.NullMarked;
