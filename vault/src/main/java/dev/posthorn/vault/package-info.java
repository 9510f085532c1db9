/** The vault: secrets are encrypted in this process and stored encrypted; the database alone never suffices to read one. */
@NullMarked
package dev.posthorn.vault;

import org.jspecify.annotations.NullMarked;
