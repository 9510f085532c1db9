/** Statements of bank accounts: files in the formats that banks hand out, from where banks put them. */
@NullMarked
package dev.posthorn.integrations.bank;

import org.jspecify.annotations.NullMarked;
