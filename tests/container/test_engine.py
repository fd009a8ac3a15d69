"""What the engine's daemon does without a Docker engine: it ends no process but its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

from .lambda_engine import daemon


def test_no_process_is_ended_that_got_the_number_of_an_engine_that_died(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as somebody_elses:
        (tmp_path / "dockerd.pid").write_text(str(somebody_elses.pid))

        assert not daemon.stop(tmp_path)
        assert somebody_elses.poll() is None
        somebody_elses.kill()


def test_where_no_engine_was_started_there_is_none_to_end(tmp_path: Path) -> None:
    assert not daemon.stop(tmp_path)
