/** What a sender must know of an endpoint besides what a claim brings: how it is signed, authenticated, trusted. */
@NullMarked
package dev.posthorn.delivery.endpoint;

import org.jspecify.annotations.NullMarked;
