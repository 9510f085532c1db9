/** The REST API of communities. */
@NullMarked
package dev.posthorn.server.communities;

import org.jspecify.annotations.NullMarked;
