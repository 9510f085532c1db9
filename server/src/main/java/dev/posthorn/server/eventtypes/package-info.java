/** The REST API of eventtypes. */
@NullMarked
package dev.posthorn.server.eventtypes;

import org.jspecify.annotations.NullMarked;
