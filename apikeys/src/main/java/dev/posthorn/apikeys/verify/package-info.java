/** Verification of presented keys: a cache that revocations reach, rate limits, usage. {@link dev.posthorn.apikeys.verify.KeyVerifier} is the entrance. */
@NullMarked
package dev.posthorn.apikeys.verify;

import org.jspecify.annotations.NullMarked;
