/** The formats of statements: camt.053, MT940, OFX, CSV. Files are hostile until they are read. */
@NullMarked
package dev.posthorn.integrations.bank.format;

import org.jspecify.annotations.NullMarked;
