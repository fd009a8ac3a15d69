"""A tenth of the faults, once each, on the session's stack: `python -m tests.faults` throws all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from integration.embedded import Embedded

from .driver import throw
from .faults import FAULTS, Fault

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.quick], ids=lambda fault: str(fault.name))
def test_nothing_is_lost_or_left_behind(embedded: Embedded, fault: Fault, tmp_path: Path) -> None:
    verdict = throw(embedded, fault, f"1/{fault.name}/0", tmp_path)
    assert (verdict.lost, verdict.left, verdict.wrong) == (0, (), ())
    assert verdict.sent > 0
    assert verdict.accounted >= verdict.sent
