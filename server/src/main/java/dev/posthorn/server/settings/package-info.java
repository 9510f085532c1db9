/** What an operator can set, and where each value came from. */
@NullMarked
package dev.posthorn.server.settings;

import org.jspecify.annotations.NullMarked;
