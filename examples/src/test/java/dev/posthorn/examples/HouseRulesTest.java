package dev.posthorn.examples;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.DataInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Which module may use which, and which Java it may ask for. */
class HouseRulesTest {
    private static final int JAVA_17 = 61;
    private static final JavaClasses HOUSE = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.posthorn");

    @Test
    void modules_use_only_what_stands_below_them() {
        Map<String, String[]> allowed = Map.of(
                "signing", new String[] {"java..", "javax.crypto..", "org.jspecify.."},
                "schema", new String[] {"java..", "javax.sql..", "org.jspecify..", "org.flywaydb.."},
                "apikeys",
                        new String[] {
                            "java..",
                            "javax.sql..",
                            "org.jspecify..",
                            "org.slf4j..",
                            "org.postgresql..",
                            "com.github.benmanes.caffeine..",
                            "jakarta.servlet.."
                        },
                "vault",
                        new String[] {
                            "java..",
                            "javax.net.ssl..",
                            "javax.sql..",
                            "org.jspecify..",
                            "org.slf4j..",
                            "com.google.crypto.tink..",
                            "com.google.gson..",
                            "dev.posthorn.signing.."
                        },
                "delivery",
                        new String[] {
                            "java..",
                            "javax.sql..",
                            "javax.naming..",
                            "javax.net.ssl..",
                            "javax.security.auth.x500..",
                            "com.google.gson..",
                            "org.jspecify..",
                            "org.slf4j..",
                            "org.postgresql..",
                            "org.eclipse.jetty..",
                            "com.github.benmanes.caffeine..",
                            "com.ibm.icu..",
                            "dev.posthorn.schema..",
                            "dev.posthorn.signing..",
                            "dev.posthorn.vault.."
                        },
                "integrations",
                        new String[] {
                            "java..",
                            "javax.crypto..",
                            "javax.net..",
                            "javax.sql..",
                            "javax.security.auth.x500..",
                            "javax.xml.stream..",
                            "org.jspecify..",
                            "org.slf4j..",
                            "org.postgresql..",
                            "org.eclipse.jetty..",
                            "com.github.benmanes.caffeine..",
                            "org.apache.sshd..",
                            "org.springframework.scheduling.support..",
                            "com.networknt.schema..",
                            "de.siegmar.fastcsv..",
                            "tools.jackson..",
                            "dev.posthorn.delivery..",
                            "dev.posthorn.signing..",
                            "dev.posthorn.vault.."
                        });
        allowed.forEach((module, packages) -> {
            String[] with = Stream.concat(Stream.of("dev.posthorn." + module + ".."), Stream.of(packages))
                    .toArray(String[]::new);
            classes()
                    .that()
                    .resideInAPackage("dev.posthorn." + module + "..")
                    .should()
                    .onlyDependOnClassesThat()
                    .resideInAnyPackage(with)
                    .check(HOUSE);
        });
    }

    @Test
    void servlets_are_needed_only_by_who_uses_the_filter() {
        noClasses()
                .that()
                .resideOutsideOfPackages("dev.posthorn.apikeys.servlet..", "dev.posthorn.server..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("jakarta.servlet..", "dev.posthorn.apikeys.servlet..")
                .check(HOUSE);
    }

    @Test
    void the_steps_of_the_engine_are_composed_by_the_engine_alone() {
        noClasses()
                .that()
                .resideOutsideOfPackages(
                        "dev.posthorn.delivery.engine..", "dev.posthorn.server..", "dev.posthorn.examples..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("dev.posthorn.delivery.engine..")
                .check(HOUSE);
        Map.of("accept", "store", "claim", "sign", "sign", "send", "send", "settle")
                .forEach((step, next) -> noClasses()
                        .that()
                        .resideInAPackage("dev.posthorn.delivery." + step)
                        .should()
                        .dependOnClassesThat()
                        .resideInAPackage("dev.posthorn.delivery." + next)
                        .check(HOUSE));
    }

    @Test
    void the_address_policy_stands_alone() {
        classes()
                .that()
                .resideInAPackage("dev.posthorn.delivery.address")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage("dev.posthorn.delivery.address", "java..", "org.jspecify..", "com.ibm.icu..")
                .check(HOUSE);
    }

    @Test
    void what_applications_embed_asks_for_no_newer_java_than_it_says() throws Exception {
        Map<String, Integer> levels =
                Map.of("signing", 17, "schema", 17, "apikeys", 17, "vault", 21, "delivery", 21, "integrations", 21);
        for (Map.Entry<String, Integer> level : levels.entrySet()) {
            try (Stream<Path> files = Files.walk(Path.of("..", level.getKey(), "target", "classes"))) {
                for (Path file :
                        files.filter(path -> path.toString().endsWith(".class")).toList()) {
                    try (DataInputStream in = new DataInputStream(Files.newInputStream(file))) {
                        in.readInt();
                        in.readUnsignedShort();
                        assertThat(in.readUnsignedShort())
                                .as(file.toString())
                                .isEqualTo(JAVA_17 + level.getValue() - 17);
                    }
                }
            }
        }
    }
}
