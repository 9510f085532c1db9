package dev.posthorn.benchmarks.faults.receiver;

import java.util.Locale;
import java.util.SplittableRandom;

/** How a receiver answers; the first part of its URL's path. Decided by seed, number of the event and how often it came before. */
public enum Behaviour {
    /** At once. */
    ANSWERS,
    /** At once; one in twenty fails at first. For endpoints that promise order. */
    ORDERED,
    /** At once; one in fifty fails at first. For very many events. */
    FAILS_SELDOM,
    /** Half fail at first. */
    FAILS_FIRST,
    /** After half a second to three. */
    SLOW,
    /** A third is never answered at first. */
    SILENT_FIRST,
    /** A third is reset at first. */
    RESETS_FIRST,
    /** Half get two answers to one request, the others fail at first. */
    SURPLUS,
    /** Half get an answer that is none at first. */
    MALFORMED_FIRST,
    /** Fails late at first, and is later still in answering well. */
    LATE,
    /** Always fails. */
    BROKEN,
    /** Answers, but stands where nobody may send to. */
    REFUSED;

    /** As it stands in a path. */
    public String path() {
        return name().toLowerCase(Locale.ROOT);
    }

    static Behaviour of(String path) {
        return valueOf(path.split("/", 3)[1].toUpperCase(Locale.ROOT));
    }

    /**
     * What to answer.
     *
     * @param number of the event
     * @param before how often the delivery has come before
     */
    Answer answer(long seed, long number, int before) {
        SplittableRandom random = new SplittableRandom(seed * 31 + number * 1_000_003 + name().hashCode());
        boolean first = before == 0;
        return switch (this) {
            case ANSWERS, REFUSED -> Answer.OK;
            case ORDERED -> first && random.nextInt(20) == 0 ? Answer.FAILED : Answer.OK;
            case FAILS_SELDOM -> first && random.nextInt(50) == 0 ? Answer.FAILED : Answer.OK;
            case FAILS_FIRST -> first && random.nextInt(2) == 0 ? Answer.FAILED : Answer.OK;
            case SLOW -> Answer.OK.after(500 + random.nextInt(2500));
            case SILENT_FIRST -> first && random.nextInt(3) == 0 ? Answer.SILENT : Answer.OK;
            case RESETS_FIRST -> first && random.nextInt(3) == 0 ? Answer.RESET : Answer.OK;
            case SURPLUS -> random.nextInt(2) == 0 ? Answer.SURPLUS : first ? Answer.FAILED : Answer.OK;
            case MALFORMED_FIRST ->
                first && random.nextInt(2) == 0 ? Answer.malformed(random.nextInt(Answer.MALFORMED.size())) : Answer.OK;
            case LATE -> first ? Answer.FAILED.after(1500 + random.nextInt(1000)) : Answer.OK.after(9000);
            case BROKEN -> Answer.FAILED;
        };
    }
}
