/** What a statement says, whatever format it came in; whether it adds up; the records that it becomes. */
@NullMarked
package dev.posthorn.integrations.bank.statement;

import org.jspecify.annotations.NullMarked;
