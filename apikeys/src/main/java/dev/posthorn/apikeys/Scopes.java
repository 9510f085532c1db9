package dev.posthorn.apikeys;

import java.util.Collection;

/** Which scopes cover which: the same truth table as the SQL function {@code posthorn.permission_matches}. */
public final class Scopes {
    private Scopes() {}

    /** Whether one of the granted scopes covers the wanted one. */
    public static boolean cover(Collection<String> granted, String wanted) {
        return granted.stream().anyMatch(scope -> covers(scope, wanted));
    }

    /** Whether a granted scope covers a wanted one: {@code *}, {@code resource:*}, {@code *:action} and the exact text do. */
    public static boolean covers(String granted, String wanted) {
        if (granted.equals("*") || granted.equals(wanted)) {
            return true;
        }
        String[] has = granted.split(":", -1);
        String[] wants = wanted.split(":", -1);
        return has.length == 2 && wants.length == 2 && side(has[0], wants[0]) && side(has[1], wants[1]);
    }

    private static boolean side(String granted, String wanted) {
        return !granted.isEmpty() && !wanted.isEmpty() && (granted.equals("*") || granted.equals(wanted));
    }
}
