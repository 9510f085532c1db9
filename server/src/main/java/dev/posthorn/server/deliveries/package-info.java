/** The REST API of deliveries. */
@NullMarked
package dev.posthorn.server.deliveries;

import org.jspecify.annotations.NullMarked;
