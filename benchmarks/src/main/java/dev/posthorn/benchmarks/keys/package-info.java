/** Load on API keys: callers, inventors of keys, and the clock that watches them. */
@NullMarked
package dev.posthorn.benchmarks.keys;

import org.jspecify.annotations.NullMarked;
