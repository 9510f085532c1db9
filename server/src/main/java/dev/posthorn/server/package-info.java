/** The server program. */
@NullMarked
package dev.posthorn.server;

import org.jspecify.annotations.NullMarked;
