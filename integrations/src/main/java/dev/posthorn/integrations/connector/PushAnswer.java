package dev.posthorn.integrations.connector;

import java.util.List;

/** What becomes of a pushed request. */
public sealed interface PushAnswer {
    /**
     * Genuine. Answered 200 once its records are saved.
     *
     * @param deliveryId the sender's own id of this delivery, 1 to 512 characters: one that was saved before is answered 200 and not
     *     saved again. Where senders give none, a hash of what was signed
     * @param records what is in it; may be empty
     */
    record Accepted(String deliveryId, List<SourceRecord> records) implements PushAnswer {
        /** Keeps a copy of the list. */
        public Accepted {
            records = List.copyOf(records);
        }
    }

    /**
     * A question that a sender asks before it pushes, such as a challenge. Answered 200 with a body; nothing is saved.
     *
     * @param contentType of the body
     * @param body at most 4 KiB
     */
    record Handshake(String contentType, String body) implements PushAnswer {}

    /**
     * Not genuine, too old, or not readable.
     *
     * @param status 400 to 499: 401 for a missing or wrong signature, 400 for what cannot be read
     * @param reason one sentence for the log and the sender; says nothing that helps to forge
     */
    record Refused(int status, String reason) implements PushAnswer {}
}
