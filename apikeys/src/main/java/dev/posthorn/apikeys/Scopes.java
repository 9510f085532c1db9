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
        int has = colon(granted);
        int wants = colon(wanted);
        return has > 0
                && wants > 0
                && (granted.startsWith("*:") || (has == wants && granted.regionMatches(0, wanted, 0, has)))
                && (granted.endsWith(":*") || granted.substring(has).equals(wanted.substring(wants)));
    }

    /** Where the one colon between two parts is; -1 if there is none, or several, or nothing on a side of it. */
    private static int colon(String scope) {
        int colon = scope.indexOf(':');
        return colon > 0 && colon < scope.length() - 1 && scope.indexOf(':', colon + 1) < 0 ? colon : -1;
    }
}
