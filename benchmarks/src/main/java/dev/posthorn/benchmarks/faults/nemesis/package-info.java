/** What goes wrong, and who makes it go wrong. */
@NullMarked
package dev.posthorn.benchmarks.faults.nemesis;

import org.jspecify.annotations.NullMarked;
