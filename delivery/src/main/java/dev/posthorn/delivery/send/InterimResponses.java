package dev.posthorn.delivery.send;

import java.util.Objects;
import org.eclipse.jetty.client.ProtocolHandler;
import org.eclipse.jetty.client.Request;
import org.eclipse.jetty.client.Response;
import org.eclipse.jetty.client.transport.HttpConversation;
import org.eclipse.jetty.client.transport.HttpExchange;
import org.eclipse.jetty.client.transport.HttpRequest;
import org.eclipse.jetty.http.HttpException;
import org.eclipse.jetty.http.HttpStatus;

/** Passes over interim responses (RFC 9110, section 15.2), of any kind but 101, up to a number of them. */
final class InterimResponses implements ProtocolHandler {
    static final int MOST = 8;

    private static final String COUNT = InterimResponses.class.getName();

    @Override
    public String getName() {
        return "interim";
    }

    @Override
    public boolean accept(Request request, Response response) {
        return HttpStatus.isInterim(response.getStatus());
    }

    @Override
    public Response.Listener getResponseListener() {
        return new Passing();
    }

    private static final class Passing implements Response.Listener {
        @Override
        public void onSuccess(Response response) {
            HttpRequest request = (HttpRequest) response.getRequest();
            HttpConversation conversation = request.getConversation();
            conversation.updateResponseListeners(null);
            int count = request.getAttributes().get(COUNT) instanceof Integer before ? before + 1 : 1;
            request.attribute(COUNT, count);
            HttpExchange exchange =
                    Objects.requireNonNull(conversation.getExchanges().peekLast());
            exchange.resetResponse();
            if (count > MOST) {
                var unused = request.abort(new HttpException.RuntimeException(
                        HttpStatus.BAD_GATEWAY_502, "more than " + MOST + " interim responses"));
            }
        }

        @Override
        public void onFailure(Response response, Throwable failure) {
            // Whoever waits for the final response is told the end of the exchange, and no head, because there was
            // none.
            ((HttpRequest) response.getRequest()).getConversation().updateResponseListeners(null);
        }
    }
}
