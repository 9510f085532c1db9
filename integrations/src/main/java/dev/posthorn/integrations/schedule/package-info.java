/** When integrations are read. */
@NullMarked
package dev.posthorn.integrations.schedule;

import org.jspecify.annotations.NullMarked;
