/** Second step: accepted events are stored with their deliveries. */
@NullMarked
package dev.posthorn.delivery.store;

import org.jspecify.annotations.NullMarked;
