package dev.posthorn.delivery.send;

import java.security.cert.CertPathValidatorException;
import java.security.cert.CertPathValidatorException.BasicReason;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.util.Locale;
import javax.net.ssl.SSLException;

/** Tells apart why a TLS connection did not come about. */
final class TlsFailure {
    private TlsFailure() {}

    static SendFailure of(SSLException failure, String host) {
        boolean certificate = false;
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (isOutOfTime(cause)) {
                return new SendFailure(
                        "tls_expired", "the server's certificate has expired or is not valid yet: renew it");
            }
            // The check of the name throws the plain exception and comes after all others, which throw their own.
            if (cause.getClass() == CertificateException.class && cause.getCause() == null) {
                return new SendFailure(
                        "tls_name", "the server's certificate is for another name: it must name " + host);
            }
            certificate |= cause instanceof CertificateException;
        }
        if (certificate) {
            return new SendFailure(
                    "tls_untrusted",
                    "the server's certificate is not signed by an authority that is trusted here, or an intermediate certificate"
                            + " is missing: serve the whole chain, or set the endpoint's trusted_ca");
        }
        String said = said(failure);
        String words = said.toLowerCase(Locale.ROOT).replace('_', ' ');
        // These the JDK says in words only.
        if (words.contains("protocol version") || words.contains("no appropriate protocol")) {
            return new SendFailure("tls_version", "the server does not speak TLS 1.2 or 1.3: turn one of them on");
        }
        if (words.contains("unrecognized ssl message") || words.contains("plaintext connection")) {
            return new SendFailure(
                    "tls", "the server does not speak TLS on this port: check the URL's scheme and port");
        }
        if (words.contains("fatal alert")
                && (words.contains("certificate") || words.contains("unknown ca") || words.contains("access denied"))) {
            return new SendFailure(
                    "tls",
                    "the server asks for another client certificate than it was shown: check the endpoint's client_certificate ("
                            + said + ")");
        }
        return new SendFailure("tls", "no TLS connection: " + said);
    }

    private static boolean isOutOfTime(Throwable cause) {
        return cause instanceof CertificateExpiredException
                || cause instanceof CertificateNotYetValidException
                || (cause instanceof CertPathValidatorException path
                        && (path.getReason() == BasicReason.EXPIRED || path.getReason() == BasicReason.NOT_YET_VALID));
    }

    private static String said(SSLException failure) {
        String message = failure.getMessage();
        return message == null ? "no reason given" : message.lines().findFirst().orElse("");
    }
}
