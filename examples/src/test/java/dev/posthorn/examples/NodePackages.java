package dev.posthorn.examples;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;

/** What a package.json asks for. */
final class NodePackages {
    private NodePackages() {}

    /** Installs into the directory that holds the package.json; the test is skipped where Node or its registry cannot be had. */
    static void install(Path directory) throws InterruptedException {
        assumeTrue(Programs.run(directory, "node", "--version").succeeded(), "skipped: node is not installed");
        Programs.Ended npm = Programs.run(
                directory, "npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts");
        assumeTrue(npm.succeeded(), () -> "skipped: npm cannot install what package.json asks for: " + npm.lastWord());
    }
}
