/**
 * Signing and verifying webhooks as the Standard Webhooks specification says, with shared secrets ({@code v1}) and key pairs
 * ({@code v1a}), and in two older forms for those who are changing over.
 */
@NullMarked
package dev.posthorn.signing;

import org.jspecify.annotations.NullMarked;
