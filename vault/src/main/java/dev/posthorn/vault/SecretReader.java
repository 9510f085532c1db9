package dev.posthorn.vault;

/**
 * Who reads and what for; both stand in the audit log.
 *
 * @param actor such as {@code integration:} and its id
 * @param reason in a few words, such as {@code sync run}; what varies from call to call makes a line of the log for each
 */
public record SecretReader(String actor, String reason) {}
