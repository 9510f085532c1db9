package dev.posthorn.server.cli;

import dev.posthorn.delivery.DeliveryListener;
import dev.posthorn.server.node.Node;
import dev.posthorn.server.settings.Settings;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "serve",
        mixinStandardHelpOptions = true,
        description = "Runs the server, on the embedded PostgreSQL or on DATABASE_URL.")
final class ServeCommand implements Callable<Integer> {
    @Mixin
    private SettingOptions options = new SettingOptions();

    @Option(names = "--print-config", description = "print what is in force and where it came from, and exit")
    private boolean printConfig;

    @Override
    public Integer call() throws InterruptedException {
        Settings settings = options.settings();
        if (printConfig) {
            System.out.print(settings.describe());
            return 0;
        }
        Node node = Node.start(settings, new DeliveryListener() {});
        Runtime.getRuntime().addShutdownHook(new Thread(node::close, "posthorn-stop"));
        node.firstKey().ifPresent(key -> System.out.println("service key, shown only this once: " + key.text()));
        System.out.println("database:  " + node.psqlLine());
        System.out.println("REST API:  " + node.address() + "/v1");
        System.out.println("ready; stop with Ctrl-C");
        new CountDownLatch(1).await();
        return 0;
    }
}
