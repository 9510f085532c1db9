/** Single steps, measured with JMH. */
@NullMarked
package dev.posthorn.benchmarks.micro;

import org.jspecify.annotations.NullMarked;
