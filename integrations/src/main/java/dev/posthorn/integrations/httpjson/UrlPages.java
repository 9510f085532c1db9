package dev.posthorn.integrations.httpjson;

import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.mapping.JsonPlace;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Each answer gives the address of the next page, which must be of the same origin: else whoever answers could have the credentials sent
 * elsewhere.
 *
 * @param nextAt where the answer has it; empty: in its {@code Link} header
 */
record UrlPages(Optional<JsonPlace> nextAt) implements Pager {
    private static final String URL = "url";

    static UrlPages at(String pointer) {
        return new UrlPages(Optional.of(JsonPlace.of(pointer)));
    }

    static UrlPages inHeader() {
        return new UrlPages(Optional.empty());
    }

    @Override
    public void ask(Parameters request, @Nullable JsonNode place) {}

    @Override
    public Optional<String> address(@Nullable JsonNode place) {
        return place == null ? Optional.empty() : Optional.of(place.path(URL).asString());
    }

    @Override
    public @Nullable ObjectNode next(@Nullable JsonNode place, Page page) throws ConnectorException {
        Optional<String> target;
        if (nextAt.isEmpty()) {
            target = LinkHeader.target(page.answer().headerValues("link"), "next");
        } else {
            JsonNode value = nextAt.get().in(page.json());
            if (!value.isString() && !value.isMissingNode() && !value.isNull()) {
                throw new ConnectorException(
                        Failure.SCHEMA_DRIFT,
                        "the address of the next page must be a text, but "
                                + nextAt.get().found(page.json()));
            }
            target = Optional.of(value.asString("")).filter(url -> !url.isEmpty());
        }
        if (target.isEmpty()) {
            return null;
        }
        return JsonNodeFactory.instance.objectNode().put(URL, sameOrigin(page.url(), target.get()));
    }

    /** The address that a reference leads to, from the one that was asked. Its origin is written by us, so that it cannot be another. */
    static String sameOrigin(String asked, String reference) throws ConnectorException {
        URI base = URI.create(asked);
        URI target;
        try {
            target = base.resolve(new URI(reference));
        } catch (URISyntaxException e) {
            throw new ConnectorException(Failure.SCHEMA_DRIFT, "the address of the next page is none");
        }
        if (target.getRawAuthority() == null
                || !origin(target).equals(origin(base))
                || target.getRawUserInfo() != null) {
            throw new ConnectorException(
                    Failure.SCHEMA_DRIFT,
                    "the address of the next page leads away from " + origin(base)
                            + ", to where credentials are not sent; configure the address that pages link to");
        }
        String query = target.getRawQuery();
        return base.getScheme() + "://" + base.getRawAuthority() + target.getRawPath()
                + (query == null ? "" : "?" + query);
    }

    private static String origin(URI url) {
        String scheme = String.valueOf(url.getScheme()).toLowerCase(Locale.ROOT);
        int port = url.getPort() >= 0 ? url.getPort() : scheme.equals("https") ? 443 : 80;
        return scheme + "://" + String.valueOf(url.getHost()).toLowerCase(Locale.ROOT) + ":" + port;
    }
}
