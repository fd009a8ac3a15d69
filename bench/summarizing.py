"""A million samples in 100 cells to a full summary, against scipy's bootstrap of the median alone.

Run: python bench/summarizing.py [--largest 1000000]

Full summary of a cell: every quantile with its interval over rounds, mean with its error over rounds, spread,
outliers, the part between rounds; and every cell but the first compared with the first (shift, ratio, test, delta).
The other side bootstraps one number of each cell, the median, with scipy's defaults (9,999 resamples, BCa), in batches
of 100, which is quicker for it and needs a hundredth of the memory; `--bootstrap-cells` of them are timed and the rest
is scaled up, which is said. Both run in
this process, on the same arrays, one after the other. Memory is the peak above the data's own, each side in a process
of its own. Also: a whole campaign from `Sample` objects to `CampaignSummary`, page and CSV, at `--campaign` samples.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from scipy import stats

from isotherm.statistics.describe import summarize
from isotherm.statistics.two_samples import compare, holm

CELLS = 100
ROUNDS = 10


def cells_of(samples: int) -> list[np.ndarray]:
    """Cells of equal size, lognormal, each with a median of its own and rounds that differ a little."""
    rng = np.random.default_rng(20261121)
    size = samples // CELLS
    luck = np.repeat(rng.normal(1, 0.02, ROUNDS), -(-size // ROUNDS))[:size]
    return [np.exp(rng.normal(4.5 + 0.01 * cell, 0.25, size)) * luck for cell in range(CELLS)]


def full_summary(cells: list[np.ndarray]) -> int:
    """Everything, for every cell; how many numbers that are."""
    blocks = np.repeat(np.arange(ROUNDS), -(-cells[0].size // ROUNDS))[: cells[0].size]
    summaries = [summarize(cell, blocks=blocks) for cell in cells]
    comparisons = [compare(cells[0], cell) for cell in cells[1:]]
    corrected = holm([comparison.p_value for comparison in comparisons])
    assert all(s.scope == "rounds" and s.mean_error is not None for s in summaries)
    compared = sum(len(asdict(comparison)) for comparison in comparisons)
    return sum(len(asdict(summary)) for summary in summaries) + compared + len(corrected)


def bootstrap_medians(cells: list[np.ndarray]) -> int:
    """Bootstrap the median of every cell with scipy."""
    for cell in cells:
        stats.bootstrap((cell,), np.median, rng=np.random.default_rng(1), batch=100)
    return len(cells)


def measured(work: Callable[[list[np.ndarray]], int], samples: int, cells: int) -> dict[str, float]:
    """Seconds, and peak megabytes beyond the data, of `work` on the first `cells` cells, in a process of its own."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_measure, args=(work, samples, cells, sender))
    process.start()
    found: dict[str, float] = receiver.recv()
    process.join()
    return found


def _measure(work: Callable[[list[np.ndarray]], int], samples: int, cells: int, answer: Connection) -> None:
    data = cells_of(samples)[:cells]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.perf_counter()
    numbers = work(data)
    seconds = time.perf_counter() - begin
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    answer.send({"seconds": seconds, "peak_mb": peak, "numbers": numbers})


def whole_campaign(samples: int) -> dict[str, float]:
    """Seconds from `Sample` objects to summary, page and CSV."""
    sys.path.append(str(Path(__file__).parents[1] / "tests"))
    from isotherm.analysis.aggregate import build_summary
    from isotherm.report.files.samples_csv import write_csv
    from isotherm.report.page.page import render_page
    from unit.statistics.made_up import made_up_lanes, made_up_plan, made_up_samples

    plan = made_up_plan(cold=samples // 20, warm=samples // 20, rounds=10, concurrency=100)
    data = made_up_samples(plan)
    lanes = made_up_lanes(plan)
    times = {"samples": float(len(data))}
    begin = time.perf_counter()
    summary = build_summary(plan, data, lanes)
    times["summary_s"] = time.perf_counter() - begin
    begin = time.perf_counter()
    page = render_page(summary, data)
    times["page_s"] = time.perf_counter() - begin
    times["page_mb"] = len(page.encode()) / 1e6
    begin = time.perf_counter()
    table = write_csv(data)
    times["csv_s"] = time.perf_counter() - begin
    times["csv_mb"] = len(table) / 1e6
    return times


def main() -> None:
    """Measure, and print a table; the last line is the same as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--largest", type=int, default=1_000_000, help="samples in all cells together")
    parser.add_argument("--bootstrap-cells", type=int, default=4, help="cells that scipy's bootstrap is timed on")
    parser.add_argument("--campaign", type=int, default=100_000, help="samples of the whole campaign")
    options = parser.parse_args()

    sizes = [size for size in (10_000, 100_000, 1_000_000) if size <= options.largest]
    rows = []
    print(f"{'samples':>10} {'ours s':>8} {'MB':>7} {'numbers':>8} {'bootstrap s':>12} {'MB':>7} {'times faster':>13}")
    for size in sizes:
        ours = measured(full_summary, size, CELLS)
        theirs = measured(bootstrap_medians, size, options.bootstrap_cells)
        scaled = theirs["seconds"] * CELLS / options.bootstrap_cells
        rows.append({"samples": size, "ours": ours, "bootstrap_scaled_s": scaled, "bootstrap": theirs})
        print(
            f"{size:>10,} {ours['seconds']:>8.2f} {ours['peak_mb']:>7.1f} {ours['numbers']:>8,.0f} "
            f"{scaled:>12.1f} {theirs['peak_mb']:>7.1f} {scaled / ours['seconds']:>13.1f}"
        )
    print(f"bootstrap: timed on {options.bootstrap_cells} of {CELLS} cells, seconds scaled up to all")
    first, last = rows[0], rows[-1]
    growth = np.log(last["ours"]["seconds"] / first["ours"]["seconds"]) / np.log(last["samples"] / first["samples"])
    print(f"growth from {first['samples']:,} to {last['samples']:,} samples: time ~ n^{growth:.2f}")
    campaign = whole_campaign(options.campaign)
    print("whole campaign: " + ", ".join(f"{name} {value:,.2f}" for name, value in campaign.items()))
    print(json.dumps({"rows": rows, "growth": growth, "campaign": campaign}))


if __name__ == "__main__":
    main()
