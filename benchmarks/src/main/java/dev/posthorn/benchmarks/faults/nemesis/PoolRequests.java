package dev.posthorn.benchmarks.faults.nemesis;

import dev.posthorn.benchmarks.faults.stage.NodeProcess;
import dev.posthorn.benchmarks.faults.stage.Rig;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;

/** Requests that each take a connection of their node's pool and get stuck with it while the communities are locked. */
final class PoolRequests implements AutoCloseable {
    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();

    private PoolRequests() {}

    static PoolRequests send(Rig rig, int each) {
        PoolRequests requests = new PoolRequests();
        for (NodeProcess node : rig.nodes()) {
            for (int i = 0; i < each; i++) {
                HttpRequest request = HttpRequest.newBuilder(node.address().resolve("/v1/communities"))
                        .timeout(Duration.ofSeconds(10))
                        .header("Authorization", "Bearer " + rig.serviceKey())
                        .build();
                var unused = requests.http.sendAsync(request, BodyHandlers.discarding());
            }
        }
        return requests;
    }

    @Override
    public void close() {
        http.shutdownNow();
    }
}
