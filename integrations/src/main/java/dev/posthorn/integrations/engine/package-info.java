/** A node's part in the integrations of an installation. */
@NullMarked
package dev.posthorn.integrations.engine;

import org.jspecify.annotations.NullMarked;
