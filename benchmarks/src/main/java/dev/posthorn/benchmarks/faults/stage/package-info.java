/** What a run plays on: the PostgreSQL, the nodes, the producers, the connections between them. */
@NullMarked
package dev.posthorn.benchmarks.faults.stage;

import org.jspecify.annotations.NullMarked;
