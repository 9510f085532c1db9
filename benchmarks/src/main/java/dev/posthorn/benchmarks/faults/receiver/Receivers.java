package dev.posthorn.benchmarks.faults.receiver;

import dev.posthorn.benchmarks.faults.log.Journal;
import dev.posthorn.benchmarks.faults.log.LogFiles;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;

/**
 * The program of the receivers. Arguments: the run's folder and the seed. Listens on one port of 127.0.0.1 and, where the machine has
 * it, of 127.0.0.2; prints the port, and {@code refused} if it listens on both. The line {@code behave} on standard input makes all
 * receivers answer well from then on; the end of standard input ends it.
 */
public final class Receivers {
    private final long seed;
    private final Journal log;
    private final Map<String, Integer> arrivals = new ConcurrentHashMap<>();
    private volatile boolean behaving;

    private Receivers(Path folder, long seed) throws IOException {
        this.seed = seed;
        this.log = new Journal(new LogFiles(folder).receivers());
    }

    /** Runs it. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Receivers receivers = new Receivers(Path.of(arguments[0]), Long.parseLong(arguments[1]));
        ServerSocket allowed = new ServerSocket(0, 1000, Loopback.ALLOWED);
        receivers.listen(allowed);
        String refused = "";
        try {
            receivers.listen(new ServerSocket(allowed.getLocalPort(), 1000, Loopback.REFUSED));
            refused = " refused";
        } catch (IOException e) {
            // Said by its absence.
        }
        System.out.println(allowed.getLocalPort() + refused);
        Thread.ofPlatform().daemon().name("control").start(receivers::obey);
        new CountDownLatch(1).await();
    }

    private void listen(ServerSocket server) {
        Thread.ofPlatform().name("accept " + server.getInetAddress()).start(() -> {
            while (true) {
                try {
                    Socket socket = server.accept();
                    Thread.ofVirtual().start(() -> new ReceiverSession(socket, this::answer).run());
                } catch (IOException e) {
                    System.err.println("receivers: " + e.getMessage());
                }
            }
        });
    }

    private Answer answer(ReceivedRequest request) {
        int before = arrivals.merge(request.delivery(), 1, Integer::sum) - 1;
        Answer answer = behaving ? Answer.OK : Behaviour.of(request.path()).answer(seed, request.eventNumber(), before);
        log.write(
                Journal.now(),
                request.localAddress(),
                request.path(),
                request.delivery(),
                request.event(),
                request.timestamp(),
                request.signature(),
                answer.name(),
                answer.afterMillis(),
                request.body());
        return answer;
    }

    private void obey() {
        try (var lines = new java.io.BufferedReader(
                new java.io.InputStreamReader(System.in, java.nio.charset.StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                behaving |= line.equals("behave");
            }
        } catch (IOException e) {
            // The same as its end.
        }
        Runtime.getRuntime().halt(0);
    }
}
