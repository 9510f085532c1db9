/** {@code http-json}: reads records from any API that answers JSON over HTTP. */
@NullMarked
package dev.posthorn.integrations.httpjson;

import org.jspecify.annotations.NullMarked;
