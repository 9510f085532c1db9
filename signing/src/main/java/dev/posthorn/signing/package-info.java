/** Signing and verifying webhooks as the Standard Webhooks specification says (symmetric scheme, {@code v1}). */
@NullMarked
package dev.posthorn.signing;

import org.jspecify.annotations.NullMarked;
