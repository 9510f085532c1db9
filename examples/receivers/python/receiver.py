"""A receiver with the library standardwebhooks of PyPI. WEBHOOK_SECRET=whsec_... PORT=9000 python3 receiver.py"""

import http.server
import logging
import os
import sys
import threading

from standardwebhooks import Webhook, WebhookVerificationError

logging.basicConfig(stream=sys.stdout, format="%(message)s", level=logging.INFO)
log = logging.getLogger("receiver")

LARGEST_BODY = 4 * 1024 * 1024
secret = os.environ.get("WEBHOOK_SECRET", "")
if not secret.startswith("whsec_"):
    sys.exit("WEBHOOK_SECRET must be the endpoint's secret, whsec_...")
webhook = Webhook(secret)
seen, lock = set(), threading.Lock()


# region verify
def judge(headers, body):
    """Judges a request by its headers and the exact bytes of its body; returns the status to answer."""
    try:
        event = webhook.verify(body, dict(headers))
    except (WebhookVerificationError, ValueError) as why:  # the library raises ValueError for a malformed header or body
        log.info("refused: %s", why)
        return 401
    message_id = headers["webhook-id"]
    with lock:
        known = message_id in seen
        seen.add(message_id)
    if known:
        log.info("duplicate %s", message_id)
        return 204
    # Store the event, together with its id and in one transaction; work on it after the answer.
    log.info("received %s %s", message_id, event)
    return 204


# endregion


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        length = int(self.headers.get("content-length", 0))
        if length > LARGEST_BODY:
            self.close_connection = True
            status = 413
        else:
            status = judge(self.headers, self.rfile.read(length))
        self.send_response(status)
        if status != 204:
            self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *unused):
        pass


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "9000"))), Handler)
    server.daemon_threads = True
    log.info("listening on http://127.0.0.1:%d/", server.server_port)
    server.serve_forever()
