package dev.posthorn.vault;

import java.util.Arrays;

/**
 * A secret in the clear, with its version. Close it as soon as it is used: that overwrites it. {@link #toString()} does not show it. Not
 * thread-safe.
 */
public final class SecretValue implements AutoCloseable {
    private final byte[] bytes;
    private final int version;
    private boolean closed;

    /**
     * @param bytes the value; belongs to this object from now on and is overwritten when it is closed
     * @param version which version of the secret it is, from 1
     */
    public SecretValue(byte[] bytes, int version) {
        this.bytes = bytes;
        this.version = version;
    }

    /**
     * The value itself, not a copy.
     *
     * @throws IllegalStateException if it was closed
     */
    public byte[] bytes() {
        if (closed) {
            throw new IllegalStateException("this secret was closed");
        }
        return bytes;
    }

    /** Which version of the secret it is. */
    public int version() {
        return version;
    }

    /** Overwrites the value. */
    @Override
    public void close() {
        closed = true;
        Arrays.fill(bytes, (byte) 0);
    }

    @Override
    public String toString() {
        return "SecretValue[version " + version + "]";
    }
}
