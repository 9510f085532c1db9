/** The command line. */
@NullMarked
package dev.posthorn.server.cli;

import org.jspecify.annotations.NullMarked;
