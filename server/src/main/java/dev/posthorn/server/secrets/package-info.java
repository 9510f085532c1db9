/** The REST API of secrets. */
@NullMarked
package dev.posthorn.server.secrets;

import org.jspecify.annotations.NullMarked;
