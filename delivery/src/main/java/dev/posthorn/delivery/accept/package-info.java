/** First step: an event is accepted into the engine if it can be one. */
@NullMarked
package dev.posthorn.delivery.accept;

import org.jspecify.annotations.NullMarked;
