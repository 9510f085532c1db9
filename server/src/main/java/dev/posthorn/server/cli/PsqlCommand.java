package dev.posthorn.server.cli;

import dev.posthorn.server.PosthornException;
import dev.posthorn.server.embedded.EmbeddedDatabase;
import dev.posthorn.server.settings.Settings;
import dev.posthorn.server.settings.Settings.Setting;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "psql",
        mixinStandardHelpOptions = true,
        description = "Prints the line that opens a SQL prompt on the database.")
final class PsqlCommand implements Callable<Integer> {
    @Mixin
    private SettingOptions options = new SettingOptions();

    @Override
    public Integer call() {
        Settings settings = options.settings();
        String url = settings.text(Setting.DATABASE_URL);
        if (url.isEmpty()) {
            Path folder = Path.of(settings.text(Setting.DATA));
            url = EmbeddedDatabase.urlIn(folder)
                    .orElseThrow(() -> new PosthornException(
                            PosthornException.UNAVAILABLE,
                            "there is no embedded database in " + folder + " yet; run: ./posthorn serve"));
        }
        System.out.println("psql \"" + url + "\"");
        return 0;
    }
}
