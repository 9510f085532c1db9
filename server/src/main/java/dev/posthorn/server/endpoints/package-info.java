/** The REST API of endpoints. */
@NullMarked
package dev.posthorn.server.endpoints;

import org.jspecify.annotations.NullMarked;
