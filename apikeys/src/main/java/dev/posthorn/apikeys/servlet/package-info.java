/** API keys in front of a servlet application. */
@NullMarked
package dev.posthorn.apikeys.servlet;

import org.jspecify.annotations.NullMarked;
