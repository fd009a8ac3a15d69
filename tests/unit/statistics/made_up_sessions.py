"""Makes up sessions: what a trend reads of the campaigns of one name, from a seed, with a known spread between them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from isotherm.analysis.trend_model import Session
from isotherm.statistics.describe import summarize
from isotherm.statistics.results import Spread
from isotherm.statistics.sessions import session_spread

BEGIN = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)
TARGETS = {"default": 92.0, "pkg50": 310.0}


def made_up_session(
    number: int,
    *,
    every: timedelta = timedelta(hours=6),
    between: float = 0.0,
    by_hour: dict[int, float] | None = None,
    samples: int = 20,
    rounds: int = 2,
    icc: float = 0.0,
    seed: int = 1,
    targets: dict[str, float] | None = None,
    regions: tuple[str, ...] = ("us-east-1",),
    **changed: Any,
) -> Session:
    """The session of this number: sessions `every` so often, each with its own luck.

    The luck has the standard deviation `between`, as a share of each time; `by_hour` adds a share in an hour of the day
    (UTC). `icc` is the share of the scatter inside a session that lies between its rounds. `changed` replaces fields of
    the session; what it gives for `campaign` is merged into the campaign's.
    """
    rng = np.random.default_rng([seed, number])
    began = BEGIN + number * every
    cells = []
    for region in regions:
        for target, start_ms in (targets or TARGETS).items():
            for kind, base in (("cold", start_ms), ("warm", 8.0)):
                luck = base * (rng.normal(0, between) + (by_hour or {}).get(began.hour, 0.0))
                blocks = np.arange(samples) % rounds
                of_rounds = rng.normal(0, 0.08 * base, rounds)[blocks] if icc else 0.0
                start = base + luck + np.sqrt(icc) * of_rounds
                start = start + np.sqrt(1 - icc) * rng.normal(0, 0.08 * base, samples)
                client = start * 1.2 + rng.normal(0, 0.02 * base, samples)
                values = {"startup_ms": start, "client_ms": client} if kind == "cold" else {"client_ms": client}
                cells.append(
                    {
                        "target": target,
                        "region": region,
                        "memory_mb": 128,
                        "kind": kind,
                        "metrics": {name: asdict(summarize(of, blocks=blocks)) for name, of in values.items()},
                    }
                )
    document: dict[str, Any] = {
        "campaign_id": f"nightly-{number:03d}",
        "campaign": {
            "name": "nightly",
            "targets": list(targets or TARGETS),
            "cold": {"samples": samples, "method": "burst", "concurrency": 10},
            "warm": {"samples": samples, "concurrency": 1},
            "rounds": rounds,
            "seed": 1,
        }
        | changed.pop("campaign", {}),
        "platform": "aws",
        "version": "0.1.0",
        "stack": "isotherm",
        "home_region": "us-east-1",
        "created_at": began.isoformat(),
        "finished_at": (began + timedelta(minutes=12)).isoformat(),
        "start_metric": "startup_ms",
        "inventory": [
            {
                "region": region,
                "targets": [
                    {
                        "target": target,
                        "region": region,
                        "runtime": "python3.14",
                        "architecture": "x86_64",
                        "code_sha256": "0" * 64,
                    }
                    for target in targets or TARGETS
                ],
            }
            for region in regions
        ],
        "lanes": [{"status": "succeeded"}] * len(targets or TARGETS),
        "cells": cells,
    }
    return Session.model_validate(document | changed)


def made_up_sessions(count: int, **options: Any) -> list[Session]:
    """So many sessions, in order."""
    return [made_up_session(number, **options) for number in range(count)]


def spread_of(values: np.ndarray) -> Spread:
    """The spread of sessions that are the rows."""
    n = values.shape[1]
    return session_spread(values.mean(axis=1), values.std(axis=1, ddof=1) / np.sqrt(n), np.full(values.shape[0], n - 1))
