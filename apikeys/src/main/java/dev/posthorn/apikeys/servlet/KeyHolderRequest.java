package dev.posthorn.apikeys.servlet;

import dev.posthorn.apikeys.Scopes;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import java.security.Principal;

/** A request whose principal is its key. */
final class KeyHolderRequest extends HttpServletRequestWrapper {
    private final KeyPrincipal principal;

    KeyHolderRequest(HttpServletRequest request, KeyPrincipal principal) {
        super(request);
        this.principal = principal;
    }

    @Override
    public Principal getUserPrincipal() {
        return principal;
    }

    @Override
    public String getRemoteUser() {
        return principal.getName();
    }

    @Override
    public boolean isUserInRole(String role) {
        return Scopes.cover(principal.key().scopes(), role);
    }
}
