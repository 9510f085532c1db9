/** The REST API of events. */
@NullMarked
package dev.posthorn.server.events;

import org.jspecify.annotations.NullMarked;
