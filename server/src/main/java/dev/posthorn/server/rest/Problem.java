package dev.posthorn.server.rest;

import dev.posthorn.apikeys.http.KeyAnswer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An answer that is an error: {@code application/problem+json} (RFC 9457). Thrown by handlers, written by {@link Api}. */
public final class Problem extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final String title;
    private final transient List<FieldError> errors;
    private final @Nullable Integer retryAfterSeconds;
    private final @Nullable String id;

    /**
     * What is wrong with one field.
     *
     * @param pointer JSON pointer into the body
     * @param detail what is wrong and how to mend it
     */
    public record FieldError(String pointer, String detail) {}

    private Problem(
            int status, String title, String detail, List<FieldError> errors, @Nullable Integer retryAfterSeconds) {
        this(status, title, detail, errors, retryAfterSeconds, null);
    }

    private Problem(
            int status,
            String title,
            String detail,
            List<FieldError> errors,
            @Nullable Integer retryAfterSeconds,
            @Nullable String id) {
        super(detail);
        this.status = status;
        this.title = title;
        this.errors = List.copyOf(errors);
        this.retryAfterSeconds = retryAfterSeconds;
        this.id = id;
    }

    /** 400: the request cannot be read. */
    public static Problem malformed(String detail) {
        return new Problem(400, "Malformed request", detail, List.of(), null);
    }

    /** 401: no key, or one that does not let in. */
    public static Problem unauthorized(String detail) {
        return new Problem(401, "Unauthorized", detail, List.of(), null);
    }

    /** 403: the key lacks a scope. */
    public static Problem forbidden(String scope) {
        return new Problem(403, "Forbidden", "the key lacks the scope " + scope, List.of(), null);
    }

    /** 404: it is not there, or not for this key to see. */
    public static Problem notFound(String what) {
        return new Problem(404, "Not found", "there is no such " + what, List.of(), null);
    }

    /** 409: the thing's state forbids it. */
    public static Problem conflict(String detail) {
        return new Problem(409, "Conflict", detail, List.of(), null);
    }

    /** 409: it was done before; the id is that of what the first call made, and stands in the answer as {@code id}. */
    public static Problem repeated(String detail, @Nullable String id) {
        return new Problem(409, "Conflict", detail, List.of(), null, id);
    }

    /** 403: more than the caller may. */
    public static Problem refused(String detail) {
        return new Problem(403, "Forbidden", detail, List.of(), null);
    }

    /** What a key that does not let in is answered; its headers are set by whoever throws it. */
    static Problem of(KeyAnswer answer) {
        return new Problem(answer.status(), answer.title(), answer.detail(), List.of(), null);
    }

    /** 413: the body is too large. */
    public static Problem tooLarge(String detail) {
        return new Problem(413, "Content too large", detail, List.of(), null);
    }

    /** 422: a field's value is not one that can be. */
    public static Problem invalid(String pointer, String detail) {
        return new Problem(422, "Invalid field", detail, List.of(new FieldError(pointer, detail)), null);
    }

    /** Any other that is the caller's fault. */
    public static Problem of(int status, String detail) {
        return new Problem(status, status == 401 ? "Unauthorized" : "Refused", detail, List.of(), null);
    }

    /** 503: the database is away. */
    public static Problem unavailable(String detail) {
        return new Problem(503, "Service unavailable", detail, List.of(), 1);
    }

    /** 500: our own fault; the log says which. */
    static Problem internal() {
        return new Problem(
                500, "Internal error", "something went wrong here; the server's log says what", List.of(), null);
    }

    int status() {
        return status;
    }

    String title() {
        return title;
    }

    List<FieldError> errors() {
        return errors;
    }

    @Nullable
    String id() {
        return id;
    }

    @Nullable
    Integer retryAfterSeconds() {
        return retryAfterSeconds;
    }
}
