package dev.posthorn.integrations.bank;

import dev.posthorn.integrations.bank.format.StatementFiles;
import dev.posthorn.integrations.bank.format.StatementFiles.Format;
import dev.posthorn.integrations.bank.source.FileNames;
import dev.posthorn.integrations.bank.source.FileSource;
import dev.posthorn.integrations.bank.source.FolderSource;
import dev.posthorn.integrations.bank.source.HttpsSource;
import dev.posthorn.integrations.bank.source.SftpSource;
import dev.posthorn.integrations.bank.source.SftpTarget;
import dev.posthorn.integrations.bank.source.SourceFile;
import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.JsonNode;

/**
 * What an integration says: where files lie, which are read, how.
 *
 * @param source as it was given
 * @param names which
 * @param order in which order
 * @param largest in bytes, packed and unpacked
 * @param files how
 */
record BankStatementConfiguration(
        JsonNode source, FileNames names, Comparator<SourceFile> order, int largest, StatementFiles files) {
    private static final int USUAL_LARGEST = 32 * 1024 * 1024;

    static BankStatementConfiguration of(JsonNode configuration) throws ConnectorException {
        int largest = configuration.path("max_file_bytes").asInt(USUAL_LARGEST);
        Comparator<SourceFile> byName = Comparator.comparing(SourceFile::name);
        return new BankStatementConfiguration(
                configuration.path("source"),
                new FileNames(configuration.path("pattern").asString("*"), texts(configuration.path("ignore"))),
                "modified".equals(configuration.path("order").asString(""))
                        ? Comparator.comparingLong(SourceFile::modified).thenComparing(byName)
                        : byName,
                largest,
                new StatementFiles(
                        Format.valueOf(
                                configuration.path("format").asString("auto").toUpperCase(Locale.ROOT)),
                        CsvConfiguration.charset(configuration.path("encoding"), "encoding"),
                        CsvConfiguration.of(configuration.path("csv")),
                        largest));
    }

    /** Connects to where the files lie. */
    FileSource open(ConnectorContext context) throws ConnectorException, InterruptedException {
        String type = source.path("type").asString("");
        return switch (type) {
            case "sftp" ->
                SftpSource.open(
                        new SftpTarget(
                                source.path("host").asString(""),
                                source.path("port").asInt(22),
                                source.path("username").asString(""),
                                texts(source.path("host_key")),
                                source.path("path").asString(".")),
                        context.credentials(),
                        context.network());
            case "https" -> new HttpsSource(source.path("url").asString(""), largest, context);
            case "folder" -> FolderSource.open(source.path("path").asString(""), context.operator());
            default ->
                throw new ConnectorException(
                        Failure.CONFIGURATION, "\"source\" must have the \"type\" sftp, https or folder");
        };
    }

    /** One text, or a list of them. */
    static List<String> texts(JsonNode node) {
        if (node.isString() || node.isNumber()) {
            return List.of(node.asString());
        }
        List<String> texts = new ArrayList<>();
        node.forEach(one -> texts.add(one.asString()));
        return texts;
    }
}
