package dev.posthorn.server.cli;

import dev.posthorn.server.demo.Demo;
import dev.posthorn.server.demo.DemoReceiver;
import dev.posthorn.server.node.Node;
import dev.posthorn.server.settings.Settings;
import dev.posthorn.server.settings.Settings.Setting;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        description = "Starts everything on this machine, sends events through it and checks what arrives.")
final class DemoCommand implements Callable<Integer> {
    @Option(names = "--once", description = "exit at the end: 0 only if exactly what should have arrived did")
    private boolean once;

    @Option(
            names = "--data",
            paramLabel = "FOLDER",
            defaultValue = "data",
            description = "folder of the embedded database (${DEFAULT-VALUE})")
    private String data = "data";

    @Option(names = "--port", description = "port of the REST API (8080, with --once any free one)")
    @Nullable
    String port;

    @Override
    public Integer call() throws Exception {
        try (DemoReceiver receiver = DemoReceiver.start()) {
            String wanted = port == null ? (once ? "0" : "8080") : port;
            Settings settings = Settings.gather(
                    Map.of(
                            Setting.DATABASE_URL,
                            "",
                            Setting.DATA,
                            data,
                            Setting.PORT,
                            wanted,
                            Setting.ALLOWED_NETWORKS,
                            "127.0.0.1/32:" + receiver.port()),
                    Map.of(),
                    null);
            System.out.println("starting PostgreSQL and the server in the folder " + data + " …");
            try (Node node = Node.start(settings, new AttemptPrinter())) {
                Runtime.getRuntime().addShutdownHook(new Thread(node::close, "posthorn-stop"));
                boolean complete = new Demo(node, receiver).run();
                if (!once) {
                    new CountDownLatch(1).await();
                }
                return complete ? 0 : 1;
            }
        }
    }
}
