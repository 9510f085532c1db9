package dev.posthorn.integrations.bank.source;

import java.util.List;

/**
 * A folder on an SFTP server.
 *
 * @param hostKeys fingerprints as {@code ssh-keygen -l} prints them, {@code SHA256:…}; one of them must be the server's
 */
public record SftpTarget(String host, int port, String username, List<String> hostKeys, String path) {
    /** Keeps a copy of the list. */
    public SftpTarget {
        hostKeys = List.copyOf(hostKeys);
    }

    String address() {
        return host + ":" + port;
    }
}
