package dev.posthorn.delivery.send;

import dev.posthorn.delivery.address.RefusalClass;
import dev.posthorn.delivery.address.TargetRefusedException;
import dev.posthorn.delivery.endpoint.InvalidCredentialException;
import dev.posthorn.delivery.outage.Fault;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLException;
import org.eclipse.jetty.client.HttpResponseException;
import org.eclipse.jetty.http.HttpException;
import org.jspecify.annotations.Nullable;

/**
 * Why there was no answer.
 *
 * @param errorClass as docs/sending.md lists them
 * @param sentence for the endpoint's owner; no internal address
 * @param fault what is wrong on our own side; null if the failure is the receiver's
 */
record SendFailure(
        String errorClass, String sentence, @Nullable Fault fault) {
    SendFailure(String errorClass, String sentence) {
        this(errorClass, sentence, null);
    }

    /**
     * What an exchange failed with, said in our words.
     *
     * @param host the target's, for the sentence
     */
    static SendFailure of(@Nullable Throwable failure, String host, long millis) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof TargetRefusedException refused) {
                return new SendFailure(
                        refused.reason() == RefusalClass.DNS ? "dns" : "address_refused", refused.sentence());
            }
            if (cause instanceof EgressProxyException proxy) {
                return proxy.failure();
            }
            if (cause instanceof InvalidCredentialException invalid) {
                return new SendFailure("tls", invalid.pointer().substring(1) + ": " + invalid.sentence());
            }
            if (cause instanceof SSLException tls) {
                return TlsFailure.of(tls, host);
            }
            // A connect timeout of the client is a SocketTimeoutException, its deadline a TimeoutException.
            if (cause instanceof TimeoutException || cause instanceof SocketTimeoutException) {
                return new SendFailure("timeout", "no answer within " + millis + " ms");
            }
            if (cause instanceof ConnectException) {
                return new SendFailure("connect", "the connection was refused");
            }
            if (cause instanceof HttpException || cause instanceof HttpResponseException) {
                return new SendFailure("response", "the answer is no valid HTTP/1.1 within the limits");
            }
        }
        return new SendFailure("io", "the connection ended before an answer");
    }
}
