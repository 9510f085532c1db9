package dev.posthorn.delivery.send;

import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * A request for a tunnel (RFC 9110, section 9.3.6), and what answers to it mean.
 *
 * @param target the vetted address
 */
record ConnectRequest(EgressProxy proxy, InetSocketAddress target) {
    /** Longer heads are not read. */
    static final int LARGEST_HEAD = 8 * 1024;

    private static final String END = "\r\n\r\n";

    ByteBuffer bytes() {
        String address = target.getAddress().getHostAddress();
        String authority = (address.indexOf(':') < 0 ? address : "[" + address + "]") + ":" + target.getPort();
        String authorization = proxy.authorization();
        String request = "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n"
                + (authorization == null ? "" : "Proxy-Authorization: " + authorization + "\r\n") + "\r\n";
        return ByteBuffer.wrap(request.getBytes(StandardCharsets.US_ASCII));
    }

    /**
     * Judges what has been read so far.
     *
     * @return whether the tunnel is open; false while the head of the answer is not complete
     * @throws EgressProxyException if it will not open
     */
    boolean opens(CharSequence read) throws EgressProxyException {
        String head = read.toString();
        int end = head.indexOf(END);
        if (end < 0) {
            if (head.length() > LARGEST_HEAD) {
                throw EgressProxyException.ofProxy("the egress proxy's answer to CONNECT has no end", target);
            }
            return false;
        }
        String status = head.substring(0, head.indexOf("\r\n"));
        if (!status.matches("HTTP/1\\.[01] [1-5][0-9]{2}( .*)?")) {
            throw EgressProxyException.ofProxy("the egress proxy does not answer HTTP/1.1", target);
        }
        int code = Integer.parseInt(status.substring(9, 12));
        switch (code) {
            case 407 -> throw EgressProxyException.ofProxy("the egress proxy refuses the credentials (407)", target);
            case 405, 501 ->
                throw EgressProxyException.ofProxy("the egress proxy does not know CONNECT (" + code + ")", target);
            case 403 ->
                throw EgressProxyException.ofTarget(
                        "address_refused", "the egress proxy does not permit this host (403)", target);
            default -> {
                if (code / 100 != 2) {
                    throw EgressProxyException.ofTarget(
                            "connect", "the egress proxy could not connect to the host (" + code + ")", target);
                }
            }
        }
        if (head.length() != end + END.length()) {
            throw EgressProxyException.ofTarget("response", "the host spoke before it was asked", target);
        }
        return true;
    }

    /** What it means that the proxy closed the connection without a whole answer. */
    EgressProxyException closed() {
        return EgressProxyException.ofTarget(
                "connect", "the egress proxy closed the connection instead of connecting to the host", target);
    }
}
