/** API keys: their format, their scopes, and who may enter with one. */
@NullMarked
package dev.posthorn.apikeys;

import org.jspecify.annotations.NullMarked;
