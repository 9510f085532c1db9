package dev.posthorn.delivery.address;

import java.net.UnknownHostException;
import java.util.List;

/** Finds the addresses of a name. Implementations are thread-safe. */
@FunctionalInterface
public interface HostResolver {
    /**
     * The addresses of a name, all of them; may block the calling thread for some seconds.
     *
     * @param name a canonical name, never an address
     * @return as they are to be tried; empty if the name has none
     * @throws UnknownHostException if the name does not exist, the name service failed or did not answer in time
     */
    List<IpAddress> resolve(String name) throws UnknownHostException;
}
