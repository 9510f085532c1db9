#!/usr/bin/env python3
"""A receiver that verifies Standard Webhooks signatures and remembers what it has seen.

    python3 receiver.py --port 9001 --secret whsec_... --expect 100

Answers 500 to the first attempt of every tenth event, so that retries happen. Prints, when --expect different events have arrived
or --seconds have passed: "receiver: N events, N duplicates, N refused"; exits 0 only if all came and none was refused.
"""

import argparse
import base64
import hashlib
import hmac
import http.server
import sys
import threading
import time

TOLERANCE_SECONDS = 300


class Receiver(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port, secret):
        super().__init__(("127.0.0.1", port), Handler)
        self.key = base64.b64decode(secret.removeprefix("whsec_"))
        self.condition = threading.Condition()
        self.seen, self.failed_once = set(), set()
        self.duplicates = self.refused = 0

    def judge(self, headers, body):
        message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        expected = base64.b64encode(hmac.new(self.key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()).decode()
        signatures = [s.removeprefix("v1,") for s in headers.get("webhook-signature", "").split(" ") if s.startswith("v1,")]
        genuine = any(hmac.compare_digest(expected, s) for s in signatures)
        fresh = timestamp.isdigit() and abs(time.time() - int(timestamp)) <= TOLERANCE_SECONDS
        with self.condition:
            if not (genuine and fresh):
                self.refused += 1
                return 401
            if int(message_id[-1], 16) == 0 and message_id not in self.failed_once:
                self.failed_once.add(message_id)
                return 500
            self.duplicates += message_id in self.seen
            self.seen.add(message_id)
            self.condition.notify_all()
            return 204


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(self.server.judge(self.headers, body))
        self.end_headers()

    def log_message(self, *unused):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=9001)
    parser.add_argument("--secret", required=True)
    parser.add_argument("--expect", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    receiver = Receiver(options.port, options.secret)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    print(f"receiver: listening on http://127.0.0.1:{receiver.server_port}/", flush=True)
    with receiver.condition:
        receiver.condition.wait_for(lambda: len(receiver.seen) >= options.expect, timeout=options.seconds)
    print(f"receiver: {len(receiver.seen)} events, {receiver.duplicates} duplicates, {receiver.refused} refused", flush=True)
    sys.exit(0 if len(receiver.seen) == options.expect and receiver.refused == 0 else 1)


if __name__ == "__main__":
    main()
