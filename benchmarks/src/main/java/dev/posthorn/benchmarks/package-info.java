/** Load on the whole of Posthorn as a user runs it, and what it costs. */
@NullMarked
package dev.posthorn.benchmarks;

import org.jspecify.annotations.NullMarked;
