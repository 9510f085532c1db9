package dev.posthorn.server.cli;

import dev.posthorn.vault.KeyStatus;
import dev.posthorn.vault.MasterKeyset;
import java.io.PrintStream;
import java.util.List;

/** What {@code posthorn vault status} prints. */
final class KeyReport {
    private KeyReport() {}

    /** Returns whether nothing is missing and nothing is left to do. */
    static boolean print(KeyStatus status, MasterKeyset master, PrintStream out) {
        boolean fine = true;
        out.println("master keys   " + String.join(", ", master.ids()) + "; the first encrypts");
        for (KeyStatus.Wrap wrap : status.wraps()) {
            String note = "";
            if (!master.ids().contains(wrap.masterKey())) {
                note = "; it is MISSING here: give it too";
                fine = false;
            } else if (!wrap.masterKey().equals(master.id())) {
                note = "; to be free of it run ./posthorn vault rewrap";
                fine = false;
            }
            out.println("wrapped       by " + wrap.masterKey() + ": " + wrap.dataKeys() + " data keys" + note);
        }
        out.println("data keys     " + status.dataKeysInUse() + " in use, " + status.dataKeysRetired() + " retired");
        out.println(
                "values        " + status.values()
                        + (status.valuesLeft() == 0
                                ? ""
                                : ", " + status.valuesLeft()
                                        + " with a retired data key; run ./posthorn vault rotate, which goes on where it stopped"));
        fine &= status.valuesLeft() == 0;
        for (KeyStatus.Node node : status.nodes()) {
            List<String> lacking = status.missing(node.masterKeys());
            out.println("node          " + node.name() + " holds " + String.join(", ", node.masterKeys())
                    + (lacking.isEmpty()
                            ? ""
                            : "; it lacks " + String.join(", ", lacking) + " and must not be restarted without"));
        }
        return fine;
    }
}
