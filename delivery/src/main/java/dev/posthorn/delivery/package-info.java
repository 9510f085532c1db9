/** The engine's surface: what embedders build, start and listen to. */
@NullMarked
package dev.posthorn.delivery;

import org.jspecify.annotations.NullMarked;
