/** The database contract: SQL migrations as resources, and what applies them. */
@NullMarked
package dev.posthorn.schema;

import org.jspecify.annotations.NullMarked;
