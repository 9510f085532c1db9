package dev.posthorn.integrations.bank.statement;

import org.jspecify.annotations.Nullable;

/**
 * An account at a bank.
 *
 * @param id IBAN if there is one, else the bank's own number, with its bank code before it where the format gives one
 * @param iban null if it has none or the format does not say
 * @param bic of the bank, or null
 * @param owner name, or null
 */
public record Account(
        String id,
        @Nullable String iban,
        @Nullable String bic,
        @Nullable String owner) {}
