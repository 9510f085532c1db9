/** The judge: a process of its own that reads the logs of runs and knows nothing else. */
@NullMarked
package dev.posthorn.benchmarks.faults.checker;

import org.jspecify.annotations.NullMarked;
