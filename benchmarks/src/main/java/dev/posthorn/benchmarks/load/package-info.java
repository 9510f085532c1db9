/** Those who queue: applications with a connection, and clients of the REST API. */
@NullMarked
package dev.posthorn.benchmarks.load;

import org.jspecify.annotations.NullMarked;
