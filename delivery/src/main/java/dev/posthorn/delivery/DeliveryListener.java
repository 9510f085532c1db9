package dev.posthorn.delivery;

import dev.posthorn.delivery.settle.SettledDelivery;

/**
 * Hears what the engine does: for metrics and logs. Called on the engine's threads, so it must return soon; what it throws is logged
 * and has no effect.
 */
public interface DeliveryListener {
    /** An attempt was recorded. */
    default void settled(SettledDelivery delivery) {}

    /**
     * A background loop failed and will try again.
     *
     * @param what the step, such as {@code claim}
     * @param failure its reason
     */
    default void failed(String what, Exception failure) {}
}
