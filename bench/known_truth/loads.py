"""The p95 of a server that answers every fifth request after 3 s: where it answers well, and where it gives up.

The requests are counted as those of a load are, and the p95 is that of its table. The former one was that of the
requests that succeeded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bench.known_truth.claims import Case, Claim, Experiment
from isotherm.load.result import LoadResult
from isotherm.load.spec import LoadSpec, Phase
from isotherm.load.tally import Tally

SLOW_S = 3.0
_RATE_PER_S = 30.0


@dataclass(frozen=True, kw_only=True)
class EveryFifthSlow(Experiment):
    """`calls` requests of an open loop, answered in about 20 ms; every fifth ends after 3 s with this status."""

    status: int

    def trial(self, rng: np.random.Generator) -> Iterator[Case]:
        """Count one load."""
        tally = Tally("loading", "open", 0, 1)
        tally.planned = self.calls
        ended = []
        for number in range(self.calls):
            intended = number / _RATE_PER_S
            is_slow = number % 5 == 4
            ended.append((intended + (SLOW_S if is_slow else rng.gamma(20, 0.001)), intended, is_slow))
        for end, intended, is_slow in sorted(ended):
            tally.send(intended)
            if is_slow and self.status >= 500:
                tally.fail("http_5xx", end, intended, intended)
            else:
                tally.succeed(end, intended, intended)
        phase = tally.result(0.0, 0)
        spec = LoadSpec(
            loop="open",
            rate_per_s=_RATE_PER_S,
            duration_s=self.calls / _RATE_PER_S,
            phases=(Phase("loading", 1.0),),
        )
        row = LoadResult(spec, [phase]).rows()[0]
        was = phase.latency_us.quantile(0.95)
        claim = Claim(f"p95 of a load, every 5th answered {self.status} after 3 s", "as long", 1000 * SLOW_S)
        yield Case(claim, None if was is None else was / 1000, row.p95_ms)
        if self.status >= 500:
            yield Case(Claim(f"{claim.name}: stated as a least one"), 0.0, "p95_ms" in row.at_least)
