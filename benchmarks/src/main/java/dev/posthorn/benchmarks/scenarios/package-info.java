/** What is asked, one class and one command each. */
@NullMarked
package dev.posthorn.benchmarks.scenarios;

import org.jspecify.annotations.NullMarked;
