package dev.posthorn.vault.hashicorp;

import java.nio.file.Path;

/** How Posthorn shows who it is. What it shows is read from a file each time, so that it can be changed while everything runs. */
public sealed interface HashicorpLogin {
    /**
     * A token, such as an agent keeps fresh in a file.
     *
     * @param file holds the token
     */
    record Token(Path file) implements HashicorpLogin {
        @Override
        public String toString() {
            return "token in " + file;
        }
    }

    /**
     * An AppRole.
     *
     * @param mount where the method is mounted, usually {@code approle}
     * @param roleId the role, not secret
     * @param secretIdFile holds its secret id
     */
    record AppRole(String mount, String roleId, Path secretIdFile) implements HashicorpLogin {
        @Override
        public String toString() {
            return "AppRole " + roleId + " with the secret id in " + secretIdFile;
        }
    }
}
