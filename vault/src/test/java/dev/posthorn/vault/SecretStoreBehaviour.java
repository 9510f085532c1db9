package dev.posthorn.vault;

import static dev.posthorn.vault.VaultFixture.bytes;
import static dev.posthorn.vault.VaultFixture.text;
import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.vault.VaultException.Reason;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What every store that writes must do; run over each. */
public abstract class SecretStoreBehaviour {
    /** The store. */
    protected abstract SecretStore store();

    /** The address of a secret that has no value yet, another one at each call. */
    protected abstract SecretAddress address();

    @Test
    void a_value_is_written_replaced_and_read_in_each_version() {
        SecretAddress address = address();
        assertThat(store().describe(address)).isEmpty();
        assertThat(store().write(address, bytes("first"), 0)).isEqualTo(1);
        assertThat(store().write(address, bytes("second"), 1)).isEqualTo(2);
        try (SecretValue newest = store().read(address, SecretStore.NEWEST)) {
            assertThat(newest.version()).isEqualTo(2);
            assertThat(newest.bytes()).isEqualTo(bytes("second"));
        }
        assertThat(text(store().read(address, 1))).isEqualTo("first");
        assertThat(store().describe(address)).hasValueSatisfying(known -> {
            assertThat(known.version()).isEqualTo(2);
            assertThat(known.writtenAt()).isNotNull();
        });
    }

    @Test
    void whoever_expects_another_version_writes_nothing() {
        SecretAddress address = address();
        VaultTest.refused(() -> store().write(address, bytes("x"), 1), Reason.CONFLICT);
        store().write(address, bytes("first"), 0);
        VaultTest.refused(() -> store().write(address, bytes("x"), 0), Reason.CONFLICT);
        VaultTest.refused(() -> store().write(address, bytes("x"), 2), Reason.CONFLICT);
        assertThat(text(store().read(address, SecretStore.NEWEST))).isEqualTo("first");
    }

    @Test
    void what_is_not_there_is_an_error_and_never_empty() {
        SecretAddress address = address();
        VaultTest.refused(() -> store().read(address, SecretStore.NEWEST), Reason.NOT_FOUND);
        store().write(address, bytes("first"), 0);
        VaultTest.refused(() -> store().read(address, 7), Reason.NOT_FOUND);
        store().delete(address);
        VaultTest.refused(() -> store().read(address, SecretStore.NEWEST), Reason.NOT_FOUND);
        VaultTest.refused(() -> store().read(address, 1), Reason.NOT_FOUND);
        assertThat(store().describe(address)).isEmpty();
        store().delete(address);
    }

    @Test
    void values_come_back_byte_for_byte() {
        byte[] random = new byte[Vault.LARGEST_VALUE];
        new Random(7).nextBytes(random);
        for (byte[] value : new byte[][] {
            random,
            {(byte) 0xC3},
            {0},
            bytes("{\"password\":\"a\\u00e4\",\"user\":\"x\"}"),
            bytes("{\"value\":\"x\"}"),
            bytes("gr\u00fc\u00df \ud83d\ude00\n\"\\")
        }) {
            SecretAddress address = address();
            store().write(address, value, 0);
            try (SecretValue read = store().read(address, SecretStore.NEWEST)) {
                assertThat(read.bytes()).isEqualTo(value);
            }
        }
    }
}
