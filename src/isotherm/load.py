"""The four phases of a load, and how many requests a closed loop makes in each. Sends nothing."""

from __future__ import annotations

#: Share of the threads that work in each phase (mission row M8).
PHASES = {"warmup": 0.10, "loading": 0.50, "peak": 1.00, "cooldown": 0.25}

#: Each iteration posts one customer and gets one.
REQUESTS_PER_ITERATION = 2


def closed_loop_requests(threads: int, iterations: int) -> dict[str, int]:
    """How many requests each phase of a closed loop makes, every thread going through all its iterations.

    Parameters
    ----------
    threads : int
        Threads at the peak; a phase has its share of them, rounded, and at least one.
    iterations : int
        Iterations of each thread in each phase.

    Returns
    -------
    dict
        Requests by phase, in the phases' order.

    Raises
    ------
    ValueError
        `threads` or `iterations` below 1.
    """
    for name, value in (("threads", threads), ("iterations", iterations)):
        if value < 1:
            raise ValueError(f"{name}: {value} is below the least accepted, 1")
    return {
        phase: max(1, round(threads * share)) * iterations * REQUESTS_PER_ITERATION for phase, share in PHASES.items()
    }
