/** What verification means over HTTP, whatever serves it: where a request carries its key, where it comes from, how it is answered. */
@NullMarked
package dev.posthorn.apikeys.http;

import org.jspecify.annotations.NullMarked;
