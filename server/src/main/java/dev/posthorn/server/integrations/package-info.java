/** Integrations over REST. */
@NullMarked
package dev.posthorn.server.integrations;

import org.jspecify.annotations.NullMarked;
