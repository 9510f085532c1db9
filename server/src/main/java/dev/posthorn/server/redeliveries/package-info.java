/** Redelivery of many, as durable jobs. */
@NullMarked
package dev.posthorn.server.redeliveries;

import org.jspecify.annotations.NullMarked;
