/** Tells failures of this node's own surroundings from failures of receivers. */
@NullMarked
package dev.posthorn.delivery.outage;

import org.jspecify.annotations.NullMarked;
