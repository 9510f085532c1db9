/** Values in HashiCorp Vault or OpenBao. */
@NullMarked
package dev.posthorn.vault.hashicorp;

import org.jspecify.annotations.NullMarked;
