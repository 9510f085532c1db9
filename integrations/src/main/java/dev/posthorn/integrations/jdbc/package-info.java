/** Rows of a query on somebody's database. */
@NullMarked
package dev.posthorn.integrations.jdbc;

import org.jspecify.annotations.NullMarked;
