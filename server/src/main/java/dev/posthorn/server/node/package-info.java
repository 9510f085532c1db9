/** One running server: database, engine, REST and metrics, put together. */
@NullMarked
package dev.posthorn.server.node;

import org.jspecify.annotations.NullMarked;
