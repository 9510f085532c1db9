/**
 * How a JSON document becomes records, for the connectors that read JSON. Not an extension point: connectors of others bring their own.
 */
@NullMarked
package dev.posthorn.integrations.mapping;

import org.jspecify.annotations.NullMarked;
