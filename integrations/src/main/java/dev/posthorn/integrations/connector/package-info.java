/**
 * The extension point for connectors: what talks to one kind of external system. Found by {@link java.util.ServiceLoader}; conformance of a
 * connector is checked by {@code dev.posthorn.integrations.conformance}.
 */
@NullMarked
package dev.posthorn.integrations.connector;

import org.jspecify.annotations.NullMarked;
