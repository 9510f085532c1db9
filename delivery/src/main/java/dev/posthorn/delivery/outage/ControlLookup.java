package dev.posthorn.delivery.outage;

import java.security.SecureRandom;
import java.util.Hashtable;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Pattern;
import javax.naming.Context;
import javax.naming.NameNotFoundException;
import javax.naming.NamingException;
import javax.naming.NoInitialContextException;
import javax.naming.directory.DirContext;
import javax.naming.directory.InitialDirContext;

/**
 * Asks the machine's name servers for a name that nobody has asked for before, so that no cache answers. Any answer will do, that there is
 * no such name too; a server failure is none, since then nothing behind the server was reached. Thread-safe; one lookup at a time, and its
 * answer holds for a second.
 */
public final class ControlLookup {
    private static final Pattern CONTROL =
            Pattern.compile("(?:(dns://[0-9a-zA-Z.:\\[\\]-]+)/)?([a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?)");
    private static final long HOLDS_NANOS = 1_000_000_000;
    /** Per server and question; asked twice. */
    private static final String MILLIS = "1000";

    private final Hashtable<String, String> environment;
    private final String domain;
    private final SecureRandom random = new SecureRandom();
    private final ReentrantLock lock = new ReentrantLock();
    private boolean answered;
    private long askedNanos = System.nanoTime() - HOLDS_NANOS;
    private volatile boolean everAnswered;

    /**
     * @param control a domain, below which names are asked for of the machine's name servers, or {@code dns://server[:port]/domain}
     * @throws IllegalArgumentException if it is neither
     */
    @SuppressWarnings("JdkObsolete") // JNDI takes nothing else.
    public ControlLookup(String control) {
        var parts = CONTROL.matcher(control);
        if (!parts.matches()) {
            throw new IllegalArgumentException(
                    "must be a domain such as example.com, or dns://server/domain, it is \"" + control + "\"");
        }
        domain = parts.group(2);
        environment = new Hashtable<>();
        environment.put(Context.INITIAL_CONTEXT_FACTORY, "com.sun.jndi.dns.DnsContextFactory");
        environment.put(Context.PROVIDER_URL, parts.group(1) == null ? "dns:" : parts.group(1));
        environment.put("com.sun.jndi.dns.timeout.initial", MILLIS);
        environment.put("com.sun.jndi.dns.timeout.retries", "2");
    }

    /** Whether somebody answers, and the name service is not known to be cut off; blocks for up to some seconds. */
    public boolean answers() {
        lock.lock();
        try {
            if (System.nanoTime() - askedNanos >= HOLDS_NANOS) {
                answered = ask();
                everAnswered |= answered;
                askedNanos = System.nanoTime();
            }
            return answered;
        } finally {
            lock.unlock();
        }
    }

    /** Whether anybody has answered since the start of this node. */
    boolean hasEverAnswered() {
        return everAnswered;
    }

    @SuppressWarnings(
            "BanJNDI") // The provider of DNS makes no objects of what it reads; and what it reads is not looked at.
    private boolean ask() {
        String name = "posthorn-" + Long.toString(random.nextLong() >>> 1, 36) + "." + domain;
        try {
            DirContext servers = new InitialDirContext(environment);
            try {
                servers.getAttributes(name, new String[] {"A"});
            } finally {
                servers.close();
            }
            return true;
        } catch (NameNotFoundException noSuchName) {
            return true;
        } catch (NoInitialContextException noClient) {
            // A run-time image without the module jdk.naming.dns: then nothing is known of the name service.
            return true;
        } catch (NamingException e) {
            return false;
        }
    }
}
