/** What must happen beside the flow: heartbeat, secrets of new endpoints, lost leases, maintenance. */
@NullMarked
package dev.posthorn.delivery.upkeep;

import org.jspecify.annotations.NullMarked;
