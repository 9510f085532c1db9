package dev.posthorn.vault;

import dev.posthorn.vault.VaultException.Reason;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The stores at hand by name, and which of them takes new secrets. Immutable. */
final class Stores {
    private final Map<String, SecretStore> byName = new LinkedHashMap<>();
    private final String forNew;

    Stores(List<SecretStore> stores, String forNew) {
        stores.forEach(store -> byName.put(store.name(), store));
        this.forNew = forNew;
        if (!byName.containsKey(forNew)) {
            throw new IllegalArgumentException("there is no store " + forNew);
        }
    }

    String forNew() {
        return forNew;
    }

    SecretStore named(String name) {
        SecretStore store = byName.get(name);
        if (store == null) {
            throw new VaultException(
                    Reason.UNAVAILABLE,
                    "the store \"" + name + "\" is not set up on this node, which has "
                            + String.join(", ", byName.keySet()) + "; set it up as docs/vault.md says",
                    null);
        }
        return store;
    }
}
