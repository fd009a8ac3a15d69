"""How many files this process may have open: every connection is one."""

from __future__ import annotations

#: What a process has open besides its connections: logs, the event loop, other clients.
OTHER_FILES = 24


def allow_connections(count: int, *, others: int = OTHER_FILES, all_of_them: bool = False) -> None:
    """Have the system allow so many connections and `others`, as far as it does.

    Lambda stops at 1,024 files, whoever asks. A system that has no such limit is left alone.

    Raises
    ------
    ValueError
        `all_of_them` are needed, and the system does not allow so many; nothing is changed then.
    """
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = count + others
    most = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if resource.RLIM_INFINITY != soft < needed:
        if all_of_them and most < needed:
            raise ValueError(f"{count:,} connections need {needed:,} open files; this system allows {hard:,}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
