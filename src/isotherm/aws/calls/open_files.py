"""How many files this process may have open: every connection is one."""

from __future__ import annotations

import resource

#: What a process has open besides its connections to the measured function: logs, the event loop, other clients.
OTHER_FILES = 24


def allow_connections(count: int) -> None:
    """Have the system allow so many connections, as far as it does: Lambda stops at 1,024 files, whoever asks."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = count + OTHER_FILES
    if resource.RLIM_INFINITY != soft < needed:
        allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
