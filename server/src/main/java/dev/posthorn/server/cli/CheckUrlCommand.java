package dev.posthorn.server.cli;

import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.address.HostResolver;
import dev.posthorn.delivery.address.IpAddress;
import dev.posthorn.delivery.address.SystemResolver;
import dev.posthorn.delivery.address.TargetRefusedException;
import dev.posthorn.delivery.address.TargetUrl;
import dev.posthorn.server.node.Targets;
import dev.posthorn.server.settings.Settings;
import dev.posthorn.server.settings.Settings.Setting;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "check-url",
        mixinStandardHelpOptions = true,
        description = {
            "Says which URLs may be sent to, and why not. Resolves names, connects to nothing, needs no database.",
            "Prints a line for each: allowed <canonical url> <address>, or refused <class> <sentence>.",
            "Exits 0 when it has decided all of them, whatever the decisions."
        })
final class CheckUrlCommand implements Callable<Integer> {
    @Spec
    @Nullable
    CommandSpec spec;

    @Option(
            names = "--resolve",
            paramLabel = "HOST=[ADDRESS[,ADDRESS...]]",
            description =
                    "what a name leads to; then no name service is asked, and a name that is not said has no address")
    String @Nullable [] answers;

    @Mixin
    private TargetOptions targets = new TargetOptions();

    @Option(names = "--config", paramLabel = "FILE", description = "file of settings (posthorn.properties)")
    @Nullable
    Path config;

    @Parameters(
            paramLabel = "URL",
            arity = "0..*",
            description =
                    "\\uXXXX and \\\\ stand for a character and a backslash; read from standard input, one a line, if none is given")
    List<String> urls = List.of();

    @Override
    public Integer call() throws IOException {
        Map<Setting, String> flags = new EnumMap<>(Setting.class);
        targets.addTo(flags);
        AddressPolicy policy = Targets.policy(Settings.gather(flags, System.getenv(), config));
        HostResolver resolver = resolver();
        if (!urls.isEmpty()) {
            urls.forEach(url -> System.out.println(decide(url, policy, resolver)));
            return 0;
        }
        Reader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = line(input); line != null; line = line(input)) {
            System.out.println(decide(line, policy, resolver));
        }
        return 0;
    }

    /** Up to a line feed alone: a carriage return belongs to the URL, and is what it is refused for. */
    private static @Nullable String line(Reader input) throws IOException {
        StringBuilder line = new StringBuilder();
        int c = input.read();
        if (c < 0) {
            return null;
        }
        while (c >= 0 && c != '\n') {
            line.append((char) c);
            c = input.read();
        }
        return line.toString();
    }

    private static String decide(String url, AddressPolicy policy, HostResolver resolver) {
        try {
            TargetUrl target = policy.accept(Escapes.decode(url));
            IpAddress address = policy.resolve(target, resolver).get(0);
            return "allowed " + target + " " + address;
        } catch (TargetRefusedException e) {
            return "refused " + e.reason().label() + " " + e.detail();
        }
    }

    private HostResolver resolver() {
        if (answers == null) {
            return new SystemResolver();
        }
        try {
            return StatedAnswers.parse(answers);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(Objects.requireNonNull(spec).commandLine(), "--resolve: " + e.getMessage());
        }
    }
}
