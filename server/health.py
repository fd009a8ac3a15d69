"""`python -m server.health`: whether the server of this machine is well; for a container's health check.

It asks the port of ISOTHERM_SERVER_PORT, or the usual one, and ends with 0 where the answer is 200. The certificate is
not verified: this is a question to oneself.
"""

from __future__ import annotations

import http.client
import os
import ssl
import sys

from server import DEFAULT_PORT, HEALTH_PATH

TIMEOUT_S = 3.0


def main() -> int:
    """Ask; give the exit code."""
    port = int(os.environ.get("ISOTHERM_SERVER_PORT") or DEFAULT_PORT)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPSConnection("localhost", port, timeout=TIMEOUT_S, context=context)
    try:
        connection.request("GET", HEALTH_PATH)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as problem:
        print(f"localhost:{port}: {problem}", file=sys.stderr)
        return 1
    if status != http.client.OK:
        print(f"localhost:{port}: answered {status}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
