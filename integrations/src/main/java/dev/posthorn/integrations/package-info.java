/** Connections to other systems: what is connected, when it is read, what came of it and whether it is well. */
@NullMarked
package dev.posthorn.integrations;

import org.jspecify.annotations.NullMarked;
