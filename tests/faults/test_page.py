"""The page about faults says what was wrong as plainly as what was right, and the rows are what JSON has."""

from __future__ import annotations

from .driver import Results, Row
from .oracle import Verdict
from .page import page


def test_a_row_adds_up_its_campaigns_and_the_page_shows_what_was_wrong() -> None:
    row = Row("raw-deleted")
    row.add(Verdict(planned=16, sent=16, accounted=16, lost=0, left=(), wrong=()))
    row.add(Verdict(planned=16, sent=12, accounted=9, lost=3, left=("lease: a",), wrong=("3 calls\nare gone",)))
    results = Results(7, [row], [("raw-deleted", "lease: a"), ("raw-deleted", "3 calls\nare gone")])
    assert results.document()["faults"] == [
        {
            "fault": "raw-deleted",
            "times": 2,
            "planned": 32,
            "sent": 28,
            "accounted": 25,
            "lost": 3,
            "left_behind": 1,
        }
    ]
    text = page(results, "2026-01-01")
    assert "| raw-deleted | 2 | 32 | 28 | 25 | 3 | 1 |" in text
    assert "on 2026-01-01" in text
    assert "seed 7" in text
    assert "- raw-deleted: 3 calls are gone" in text


def test_rows_of_faults_that_are_thrown_again_take_the_place_of_earlier_ones() -> None:
    earlier = Results(
        1, [Row("none", 1, 16, 16, 16, 0, 0), Row("lease-deleted", 1, 16, 9, 4, 5, 0)], [("lease-deleted", "5 lost")]
    )
    again = Results(
        2, [Row("lease-deleted", 1, 16, 9, 9, 0, 0), Row("fire-killed", 1, 16, 3, 1, 2, 0)], [("fire-killed", "2 lost")]
    )
    together = again.over(Results.of(earlier.document()))
    assert [(row.fault, row.accounted) for row in together.rows] == [
        ("none", 16),
        ("fire-killed", 1),
        ("lease-deleted", 9),
    ]
    assert together.problems == [("fire-killed", "2 lost")]
    assert Results.of(together.document()) == together
