/** The logs of a run: how they are written and what their lines hold. */
@NullMarked
package dev.posthorn.benchmarks.faults.log;

import org.jspecify.annotations.NullMarked;
