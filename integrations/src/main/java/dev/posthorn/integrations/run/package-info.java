/** One run: claimed, read, saved batch by batch, ended. */
@NullMarked
package dev.posthorn.integrations.run;

import org.jspecify.annotations.NullMarked;
