/** Short transactions of the service role on a foreign DataSource. */
@NullMarked
package dev.posthorn.delivery.session;

import org.jspecify.annotations.NullMarked;
