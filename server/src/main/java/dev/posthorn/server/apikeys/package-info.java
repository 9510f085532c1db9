/** The REST API of keys: management, verification for others, leak reports, the audit log. */
@NullMarked
package dev.posthorn.server.apikeys;

import org.jspecify.annotations.NullMarked;
