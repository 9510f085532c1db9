package dev.posthorn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.testkit.TestDatabase;
import dev.posthorn.testkit.TestReceiver;
import dev.posthorn.vault.MasterKeyset;
import org.junit.jupiter.api.Test;

class EmbeddedEngineTest {
    @Test
    void an_application_sends_with_its_own_data_source() throws Exception {
        try (TestDatabase database = TestDatabase.create();
                TestReceiver receiver = TestReceiver.start()) {
            assertThat(EmbeddedEngine.run(database.dataSource(), MasterKeyset.generate(), receiver.url("/hook")))
                    .isEqualTo("delivered");
            assertThat(receiver.received()).hasSize(1);
        }
    }
}
