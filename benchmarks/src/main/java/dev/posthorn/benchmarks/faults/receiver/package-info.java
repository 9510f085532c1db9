/** Receivers that misbehave, in a process of their own, which logs each request before it answers. */
@NullMarked
package dev.posthorn.benchmarks.faults.receiver;

import org.jspecify.annotations.NullMarked;
