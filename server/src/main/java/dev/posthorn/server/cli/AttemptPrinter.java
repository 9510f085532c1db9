package dev.posthorn.server.cli;

import dev.posthorn.delivery.DeliveryListener;
import dev.posthorn.delivery.send.AttemptOutcome;
import dev.posthorn.delivery.settle.SettledDelivery;

/** Prints each attempt as it is recorded. */
final class AttemptPrinter implements DeliveryListener {
    @Override
    public void settled(SettledDelivery settled) {
        AttemptOutcome outcome = settled.outcome();
        String answer = switch (outcome) {
            case AttemptOutcome.Answered answered ->
                "HTTP " + answered.statusCode() + " in " + answered.durationMillis() + " ms";
            case AttemptOutcome.Unanswered unanswered -> unanswered.errorClass() + ": " + unanswered.error();
            case AttemptOutcome.Unsent unsent -> unsent.reason();
        };
        System.out.println("  attempt " + outcome.delivery().attempt() + " of "
                + outcome.delivery().eventType() + ": " + answer + " → " + settled.status());
    }
}
