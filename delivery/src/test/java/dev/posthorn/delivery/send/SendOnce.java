package dev.posthorn.delivery.send;

import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.address.SystemResolver;
import dev.posthorn.delivery.outage.OwnSide;

/** A program that sends one request to each URL and prints what came of it: for settings that only a JVM of its own can have. */
final class SendOnce {
    private SendOnce() {}

    /** What is allowed, {@code -} for nothing, then URLs. */
    public static void main(String[] arguments) throws InterruptedException {
        AddressPolicy.Builder policy = AddressPolicy.builder();
        if (!arguments[0].equals("-")) {
            policy.allow(arguments[0]);
        }
        try (RequestSender sender = new RequestSender(policy.build(), new SystemResolver(), new OwnSide(null))) {
            for (int i = 1; i < arguments.length; i++) {
                System.out.println(Sending.told(sender.send(Sending.request(arguments[i], 10))));
            }
        }
    }
}
