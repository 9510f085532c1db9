/** PostgreSQL inside the server program, for trying and for small use. */
@NullMarked
package dev.posthorn.server.embedded;

import org.jspecify.annotations.NullMarked;
