package dev.posthorn.integrations.bank;

import dev.posthorn.integrations.bank.source.FileSource;
import dev.posthorn.integrations.bank.source.SourceFile;
import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.ConnectorDescription;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.PullConnector;
import dev.posthorn.integrations.connector.RecordReader;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** {@code bank-statement}: reads statements of bank accounts. Thread-safe. */
public final class BankStatementConnector implements PullConnector {
    private static final ConnectorDescription DESCRIPTION =
            ConnectorDescription.of(BankStatementConnector.class, "bank-statement.json");

    /** Found by the service loader. */
    public BankStatementConnector() {}

    @Override
    public ConnectorDescription describe() {
        return DESCRIPTION;
    }

    @Override
    public void check(ConnectorContext context) throws ConnectorException, InterruptedException {
        BankStatementConfiguration configuration = BankStatementConfiguration.of(context.configuration());
        try (FileSource source = configuration.open(context)) {
            List<SourceFile> files = source.list(configuration.names());
            context.log().info(files.size() + " files match");
        }
    }

    @Override
    public RecordReader open(ConnectorContext context, @Nullable JsonNode cursor)
            throws ConnectorException, InterruptedException {
        BankStatementConfiguration configuration = BankStatementConfiguration.of(context.configuration());
        FileSource source = configuration.open(context);
        try {
            return new StatementReader(source, configuration, context.log(), cursor);
        } catch (ConnectorException | InterruptedException | RuntimeException e) {
            source.close();
            throw e;
        }
    }

    /** A bank's SFTP server lets nobody in without; a folder has none, and HTTPS may do without. */
    @Override
    public boolean needsCredentials(JsonNode configuration) {
        return configuration.at("/source/type").asString("").equals("sftp");
    }
}
