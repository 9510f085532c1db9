/** The fault runs: a nemesis against a whole installation, three logs, a checker that compares them, and sabotages that it must catch. */
@NullMarked
package dev.posthorn.benchmarks.faults;

import org.jspecify.annotations.NullMarked;
