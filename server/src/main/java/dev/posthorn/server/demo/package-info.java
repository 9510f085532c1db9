/** The demo: the whole loop on this machine, checked. */
@NullMarked
package dev.posthorn.server.demo;

import org.jspecify.annotations.NullMarked;
