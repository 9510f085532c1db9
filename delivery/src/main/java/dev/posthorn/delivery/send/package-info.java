/** Fifth step: a signed request is sent, and what came of it is an outcome. */
@NullMarked
package dev.posthorn.delivery.send;

import org.jspecify.annotations.NullMarked;
