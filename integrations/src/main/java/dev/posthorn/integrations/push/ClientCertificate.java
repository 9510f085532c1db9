package dev.posthorn.integrations.push;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.PushRequest;
import java.io.ByteArrayInputStream;
import java.net.URLDecoder;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import javax.security.auth.x500.X500Principal;
import tools.jackson.databind.JsonNode;

/**
 * A client certificate that a proxy in front of Posthorn has checked and tells of in a header. Believed only of a proxy that the operator
 * lists, since anybody can write a header; and that proxy must overwrite what a client sends under its name.
 *
 * @param form what the header holds
 * @param allowed fingerprints or subjects, any of which fits
 * @param verifiedHeader in which the proxy says whether it has checked the certificate's chain
 * @param verified what it says then
 */
record ClientCertificate(
        String header, Form form, List<String> allowed, Optional<String> verifiedHeader, String verified)
        implements Verification {
    /** What the header holds. */
    enum Form {
        /** The SHA-256 of the certificate, in hexadecimal. */
        FINGERPRINT,
        /** The certificate itself, PEM, percent-encoded as nginx and Traefik do. */
        CERTIFICATE,
        /** Its subject (RFC 4514). */
        SUBJECT
    }

    static ClientCertificate of(JsonNode settings) throws ConnectorException {
        Form form = switch (settings.path("form").asString("fingerprint")) {
            case "certificate" -> Form.CERTIFICATE;
            case "subject" -> Form.SUBJECT;
            default -> Form.FINGERPRINT;
        };
        List<String> allowed = new ArrayList<>();
        for (JsonNode each : settings.path("allowed")) {
            String one = canonical(form, each.asString());
            if (form != Form.SUBJECT && !one.matches("[0-9a-f]{64}")) {
                throw new ConnectorException(
                        Failure.CONFIGURATION,
                        "verification.allowed must be SHA-256 fingerprints: 64 hexadecimal digits, colons between them or not");
            }
            allowed.add(one);
        }
        if (form == Form.SUBJECT && !settings.has("verified_header")) {
            throw new ConnectorException(
                    Failure.CONFIGURATION,
                    "verification.verified_header is missing: a subject says nothing unless the proxy has checked the"
                            + " certificate's chain, because anybody can make a certificate with any subject");
        }
        return new ClientCertificate(
                settings.path("header").asString(""),
                form,
                allowed,
                settings.has("verified_header")
                        ? Optional.of(settings.path("verified_header").asString())
                        : Optional.empty(),
                settings.path("verified").asString("SUCCESS"));
    }

    @Override
    public String verify(PushRequest request) throws NotGenuineException {
        if (!request.fromTrustedProxy()) {
            throw new NotGenuineException("the request did not come through a proxy that is trusted");
        }
        if (verifiedHeader.isPresent()
                && !request.header(verifiedHeader.get()).orElse("").equals(verified)) {
            throw new NotGenuineException("the proxy has not verified the client's certificate");
        }
        String value = request.header(header).orElse("");
        if (value.isEmpty()) {
            throw new NotGenuineException("the proxy tells of no client certificate");
        }
        String found = form == Form.CERTIFICATE ? fingerprint(value) : canonical(form, value);
        if (!Verification.isOneOf(found, allowed)) {
            throw new NotGenuineException("the client's certificate is not one that is allowed");
        }
        return Verification.hash(request.body());
    }

    private static String canonical(Form form, String text) {
        if (form != Form.SUBJECT) {
            return text.replace(":", "").strip().toLowerCase(Locale.ROOT);
        }
        try {
            return new X500Principal(text).getName(X500Principal.CANONICAL);
        } catch (IllegalArgumentException otherwiseWritten) {
            return text;
        }
    }

    private static String fingerprint(String pem) throws NotGenuineException {
        try {
            // Percent-encoding alone: a plus is one of base64.
            String decoded = URLDecoder.decode(pem.replace("+", "%2B"), UTF_8);
            byte[] certificate = CertificateFactory.getInstance("X.509")
                    .generateCertificate(new ByteArrayInputStream(decoded.getBytes(UTF_8)))
                    .getEncoded();
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(certificate));
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            throw new NotGenuineException("what the proxy tells of is no certificate");
        }
    }

    @Override
    public String toString() {
        return "mtls_header";
    }
}
