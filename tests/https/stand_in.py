"""Run in place of `python -m server`: the server, with routes whose handlers do what the real ones should never do."""

from __future__ import annotations

import sys

from server import handlers
from server.__main__ import main

handlers.ROUTES["GET /stand-in/{what}"] = "stand_in_handler"
handlers.ROUTES["POST /stand-in/{what}"] = "stand_in_handler"

if __name__ == "__main__":
    sys.exit(main())
