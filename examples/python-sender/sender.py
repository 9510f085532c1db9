#!/usr/bin/env python3
"""A webhook sender in Python on nothing but Posthorn's SQL functions: lease, sign, send, record.

    PSQL="psql postgres://posthorn@127.0.0.1:5432/app" python3 sender.py --secret whsec_... [--until-idle]

It signs with a secret of its own, which the receivers know. It talks to the database through psql, so that nothing needs to be
installed; a real one would use a driver. Run as many of them side by side as you like: a delivery is leased by one at a time.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.request

BATCH = 50
LEASE_SECONDS = 60


def sql(statement, **values):
    """Runs a statement; values go in as psql variables, quoted by psql itself. Returns the rows as decoded JSON."""
    command = shlex.split(os.environ.get("PSQL", "psql")) + ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
    for name, value in values.items():
        command += ["-v", f"{name}={value}"]
    done = subprocess.run(command, input=statement, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"sender: the database refused: {done.stderr.strip()}")
    return [json.loads(line) for line in done.stdout.splitlines() if line]


def lease():
    return sql(
        "SELECT row_to_json(w) FROM posthorn.get_pending_webhooks(:batch, :seconds) AS w",
        batch=BATCH,
        seconds=LEASE_SECONDS,
    )


def sign(secret, message_id, timestamp, body):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is a failure, never followed."""

    def redirect_request(self, *unused):
        return None


def send(webhook, secret):
    """Sends one delivery; returns (status code or None, error class or None)."""
    body = webhook["body"].encode()
    timestamp = str(int(time.time()))
    headers = dict(webhook["headers"])
    headers["webhook-timestamp"] = timestamp
    headers["webhook-signature"] = sign(secret, webhook["event_id"], timestamp, body)
    request = urllib.request.Request(webhook["url"], data=body, headers=headers, method="POST")
    try:
        with urllib.request.build_opener(NoRedirect).open(request, timeout=webhook["timeout_seconds"]) as answer:
            return answer.status, None
    except urllib.error.HTTPError as refused:
        return refused.code, None
    except TimeoutError:
        return None, "timeout"
    except OSError:
        return None, "connect"


def record(webhook, status, error_class, milliseconds):
    return sql(
        """SELECT row_to_json(r) FROM posthorn.record_webhook_result(
               :'id'::uuid, :'token',
               status_code => nullif(:'status', '')::integer,
               error_class => nullif(:'error_class', ''),
               duration_ms => :ms) AS r""",
        id=webhook["delivery_id"],
        token=webhook["token"],
        status="" if status is None else status,
        error_class=error_class or "",
        ms=milliseconds,
    )[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--secret", required=True, help="whsec_... that the receivers verify with")
    parser.add_argument("--until-idle", action="store_true", help="exit when nothing is due")
    options = parser.parse_args()
    while True:
        webhooks = lease()
        if not webhooks:
            if options.until_idle:
                return
            time.sleep(1)
        for webhook in webhooks:
            begun = time.monotonic()
            status, error_class = send(webhook, options.secret)
            result = record(webhook, status, error_class, int((time.monotonic() - begun) * 1000))
            print(webhook["delivery_id"], status or error_class, "->", result["status"], flush=True)


if __name__ == "__main__":
    main()
