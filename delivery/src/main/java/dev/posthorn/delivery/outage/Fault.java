package dev.posthorn.delivery.outage;

/** What can be wrong on our own side of the network. */
public enum Fault {
    /** No socket can be opened, or none bound. */
    LOCAL_LIMIT(
            "local_limit",
            "this machine or process has no socket left; raise the limit of open files, or the range of local ports"),
    /** Packets find no way out. */
    NO_ROUTE(
            "no_route",
            "this machine has no route to the network; check its interfaces and routes, or set control.name to none where no way leads to the internet by design"),
    /** The way out leads through a proxy that cannot be reached or refuses everything. */
    EGRESS_PROXY(
            "egress_proxy",
            "the egress proxy cannot be reached, or does not let this node through; check the proxy, egress.proxy and egress.proxy.credentials"),
    /** Names are not resolved, whichever is asked for. */
    NAME_SERVICE(
            "name_service",
            "the name service does not answer; check the machine's resolver, or set control.name to none where there is none by design");

    private final String errorClass;
    private final String sentence;

    Fault(String errorClass, String sentence) {
        this.errorClass = errorClass;
        this.sentence = sentence;
    }

    /** As it stands in {@code webhook_attempts.error_class}. */
    public String errorClass() {
        return errorClass;
    }

    /** One sentence for the operator, with the mend. */
    public String sentence() {
        return sentence;
    }
}
