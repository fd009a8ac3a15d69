"""What a load is to be: which loop, how much of it, in which phases. Sends nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from isotherm.http.wrong_value import WrongValue

Loop = Literal["closed", "open"]
Arrivals = Literal["constant", "poisson"]

#: Share of the threads, or of the rate, that works in each phase, as in the load on record.
PHASES = {"warmup": 0.10, "loading": 0.50, "peak": 1.00, "cooldown": 0.25}

#: Each iteration posts one customer and gets one.
REQUESTS_PER_ITERATION = 2

#: A longer wait would not end within the 15 minutes of a Lambda function.
MAX_TIMEOUT_S = 900.0

#: Requests of an open loop that are under way at most, unless told otherwise.
MAX_IN_FLIGHT = 256

#: How requests of an open loop arrive, unless told otherwise: as those of many people who act independently.
ARRIVALS: Arrivals = "poisson"

#: Seconds after which a request has failed, unless told otherwise: longer than API Gateway waits for a function (29 s).
TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of a load with its share of the threads, or of the rate, at the peak."""

    name: str
    share: float


RECORD_PHASES = tuple(Phase(name, share) for name, share in PHASES.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSpec:
    """A load: a closed loop of threads that wait for their answers, or an open one whose requests arrive regardless.

    Parameters
    ----------
    loop : {"closed", "open"}
        A closed loop needs `threads` and `iterations`, an open one `rate_per_s` and `duration_s`.
    threads : int, optional
        Connections at work at the peak, each one request at a time.
    iterations : int, optional
        Of each thread in each phase; each is `REQUESTS_PER_ITERATION` requests.
    rate_per_s : float, optional
        Requests arriving per second at the peak.
    duration_s : float, optional
        Of each phase, in seconds.
    arrivals : {"constant", "poisson"}
        Equal gaps, or independent exponential ones.
    max_in_flight : int
        Open loop: requests under way at once, which is also the number of connections; what arrives beyond waits.
    phases : tuple of Phase
        In order.
    seed : int
        Of customers and of Poisson arrivals.
    timeout_s : float
        An answer not complete by then is a failure, and so is a request that could not be sent for so long.

    Raises
    ------
    WrongValue
        The message names the field, its value and what is accepted.
    """

    loop: Loop
    threads: int | None = None
    iterations: int | None = None
    rate_per_s: float | None = None
    duration_s: float | None = None
    arrivals: Arrivals = ARRIVALS
    max_in_flight: int = MAX_IN_FLIGHT
    phases: tuple[Phase, ...] = RECORD_PHASES
    seed: int = 1
    timeout_s: float = TIMEOUT_S

    def __post_init__(self) -> None:
        if self.loop not in ("closed", "open"):
            raise WrongValue("loop", f"{self.loop!r} is neither closed nor open")
        closed = {"threads": self.threads, "iterations": self.iterations}
        opened = {"rate_per_s": self.rate_per_s, "duration_s": self.duration_s}
        needed, foreign = (closed, opened) if self.loop == "closed" else (opened, closed)
        for field, value in needed.items():
            if value is None:
                raise WrongValue(field, f"a load in {_article(self.loop)} loop needs it")
        for field, value in foreign.items():
            if value is not None:
                raise WrongValue(field, f"{value:g} has no meaning in {_article(self.loop)} loop")
        _at_least_one({name: value for name, value in closed.items() if value is not None})
        _at_least_one({"max_in_flight": self.max_in_flight})
        for field, value in opened.items():
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise WrongValue(field, f"{value:g} is not above 0")
        if self.arrivals not in ("constant", "poisson"):
            raise WrongValue("arrivals", f"{self.arrivals!r} is neither constant nor poisson")
        if not 0 < self.timeout_s <= MAX_TIMEOUT_S:
            raise WrongValue("timeout_s", f"{self.timeout_s:g} is outside 0 to {MAX_TIMEOUT_S:g}")
        self._check_phases()

    def _check_phases(self) -> None:
        if not self.phases:
            raise WrongValue("phases", "at least one is needed")
        names = [phase.name for phase in self.phases]
        for name in names:
            if not name or names.count(name) > 1:
                raise WrongValue("phases", f"the name {name!r} is {'empty' if not name else 'given twice'}")
        for phase in self.phases:
            if not 0 < phase.share <= 1:
                raise WrongValue(f"phases.{phase.name}", f"{phase.share:g} is not a share above 0 and at most 1")
            if self.loop == "open" and self.expected_requests(phase) < 1:
                raise WrongValue(
                    f"phases.{phase.name}",
                    f"{self.phase_rate(phase):g} requests per second make none in {self.duration_s:g} s",
                )

    def phase(self, name: str) -> Phase:
        """The phase of that name.

        Raises
        ------
        ValueError
            There is none.
        """
        for phase in self.phases:
            if phase.name == name:
                return phase
        raise ValueError(f"phase: {name!r} is none of {', '.join(phase.name for phase in self.phases)}")

    def phase_threads(self, phase: Phase) -> int:
        """Threads of a closed loop in a phase: its share, rounded, and at least one."""
        return max(1, round((self.threads or 0) * phase.share))

    def phase_rate(self, phase: Phase) -> float:
        """Requests per second of an open loop in a phase."""
        return (self.rate_per_s or 0.0) * phase.share

    def expected_requests(self, phase: Phase) -> float:
        """Requests of a phase; of Poisson arrivals the mean."""
        if self.loop == "closed":
            return self.phase_threads(phase) * (self.iterations or 0) * REQUESTS_PER_ITERATION
        return self.phase_rate(phase) * (self.duration_s or 0.0)

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**asdict(self), "phases": [asdict(phase) for phase in self.phases]}

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> LoadSpec:
        """What `to_dict` gave."""
        return cls(**{**document, "phases": tuple(Phase(**phase) for phase in document["phases"])})


def closed_loop_requests(threads: int, iterations: int, phases: Iterable[Phase] = RECORD_PHASES) -> dict[str, int]:
    """How many requests each phase of a closed loop makes, every thread going through all its iterations.

    Parameters
    ----------
    threads : int
        Threads at the peak; a phase has its share of them, rounded, and at least one.
    iterations : int
        Iterations of each thread in each phase.
    phases : iterable of Phase
        The record's unless others are given.

    Returns
    -------
    dict
        Requests by phase, in the phases' order.

    Raises
    ------
    ValueError
        `threads` or `iterations` below 1.
    """
    spec = LoadSpec(loop="closed", threads=threads, iterations=iterations, phases=tuple(phases))
    return {phase.name: int(spec.expected_requests(phase)) for phase in spec.phases}


def _at_least_one(values: dict[str, int]) -> None:
    for field, value in values.items():
        if value < 1:
            raise WrongValue(field, f"{value} is below the least accepted, 1")


def _article(loop: Loop) -> str:
    return "a closed" if loop == "closed" else "an open"
