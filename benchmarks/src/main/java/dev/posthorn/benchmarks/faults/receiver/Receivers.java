package dev.posthorn.benchmarks.faults.receiver;

import dev.posthorn.benchmarks.faults.log.Journal;
import dev.posthorn.benchmarks.faults.log.LogFiles;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;

/**
 * The program of the receivers. Arguments: the run's folder and the seed. Listens on one port of 127.0.0.1 and, where the machine has
 * them, of 127.0.0.2 and 127.0.0.3; prints the port, {@code refused} and {@code routed} for those. The line {@code behave} on standard input makes all
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
        System.out.println(allowed.getLocalPort()
                + (receivers.listenAlso(allowed.getLocalPort(), Loopback.REFUSED) ? " refused" : "")
                + (receivers.listenAlso(allowed.getLocalPort(), Loopback.ROUTED) ? " routed" : ""));
        Thread.ofPlatform().daemon().name("control").start(receivers::obey);
        new CountDownLatch(1).await();
    }

    private boolean listenAlso(int port, InetAddress address) {
        try {
            listen(new ServerSocket(port, 1000, address));
            return true;
        } catch (IOException notThere) {
            return false;
        }
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
