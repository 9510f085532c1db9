/** A receiver that costs little, in a process of its own. */
@NullMarked
package dev.posthorn.benchmarks.receiver;

import org.jspecify.annotations.NullMarked;
