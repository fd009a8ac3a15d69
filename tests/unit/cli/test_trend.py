"""`isotherm trend` on summaries that lie on this disk, and on a table and a bucket that are moto's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from isotherm.analysis.trend_model import Session
from isotherm.aws.clients import Home
from unit.statistics.made_up_sessions import made_up_session, made_up_sessions

SESSIONS = made_up_sessions(6, between=0.05, platform="emulated")
Isotherm = Callable[..., Any]


def stored(folder: Path, *sessions: Session) -> Path:
    """Reports' folders, as `isotherm report` leaves them; of their summaries what a trend reads."""
    for session in sessions:
        (folder / session.campaign_id).mkdir(parents=True)
        (folder / session.campaign_id / "summary.json").write_text(session.model_dump_json())
    return folder


@pytest.fixture
def reports(tmp_path: Path) -> str:
    return str(stored(tmp_path / "reports", *SESSIONS))


def test_it_shows_tables_and_writes_a_page(isotherm: Isotherm, reports: str, tmp_path: Path) -> None:
    code, out, err = isotherm("trend", "nightly", "--reports", reports)
    assert code == 0, err
    assert "over 6 sessions of nightly in 1.25 days, session means scatter" in " ".join(out.split())
    for words in (
        "Cold starts, us-east-1, 128 MB: start-up, ms, emulated",
        "Warm calls, us-east-1",
        "By hour of the day, UTC",
        "Factor",
    ):
        assert words in out
    assert "trend-nightly.html" in err
    page = (tmp_path / ".isotherm" / "reports" / "trend-nightly.html").read_text()
    assert "nightly-005" in page


def test_json_is_the_whole_trend_and_a_page_comes_only_when_asked_for(
    isotherm: Isotherm, reports: str, tmp_path: Path
) -> None:
    code, out, err = isotherm("trend", "nightly", "--reports", reports, "--json", "--metric", "client_ms")
    assert (code, err) == (0, "")
    made = json.loads(out)
    assert [held["campaign_id"] for held in made["sessions"]] == [session.campaign_id for session in SESSIONS]
    assert {series["metric"] for series in made["series"]} == {"client_ms"}
    assert not (tmp_path / ".isotherm").exists()
    assert isotherm("trend", "nightly", "--reports", reports, "--json", "-o", "deep/page.html")[0] == 0
    assert (tmp_path / "deep" / "page.html").is_file()


def test_a_page_that_cannot_be_written_is_named_and_what_to_do(
    isotherm: Isotherm, reports: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    code, _, err = isotherm("trend", "nightly", "--reports", reports, "--output", str(tmp_path / "file" / "page.html"))
    assert code == 1
    assert f"{tmp_path / 'file' / 'page.html'} cannot be written (" in err
    assert "choose another place" in err


def test_since_and_limit_take_the_latest(isotherm: Isotherm, reports: str) -> None:
    def ids(*options: str) -> list[str]:
        made = json.loads(isotherm("trend", "nightly", "--reports", reports, "--json", *options).out)
        return [held["campaign_id"][-1] for held in made["sessions"]]

    assert ids("--limit", "2") == ["4", "5"]
    assert ids("--since", "2026-11-02") == ["4", "5"]
    assert ids("--since", "2026-11-01T21:00+00:00") == ["3", "4", "5"]
    assert ids("--since", "5000w") == ["0", "1", "2", "3", "4", "5"]


def test_what_is_of_another_place_or_cannot_be_read_is_left_out_and_said(isotherm: Isotherm, reports: str) -> None:
    stored(Path(reports), made_up_session(7, platform="aws", campaign_id="on-aws"))
    (Path(reports) / "odd").mkdir()
    (Path(reports) / "odd" / "summary.json").write_text("{}")
    made = json.loads(isotherm("trend", "nightly", "--reports", reports, "--json").out)
    assert len(made["sessions"]) == 6
    assert {out["campaign_id"]: out["reason"].split(";")[0].split(" (")[0] for out in made["left_out"]} == {
        "on-aws": "its platform is aws",
        "odd": "its summary.json cannot be read",
    }
    on_aws = json.loads(isotherm("trend", "nightly", "--reports", reports, "--json", "--on", "aws").out)
    assert [held["campaign_id"] for held in on_aws["sessions"]] == ["on-aws"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("nightley",), "NAME: no campaign is called nightley below reports; did you mean nightly?"),
        (("zzz",), "there are nightly"),
        (("nightly", "--since", "yesterday"), "--since: 'yesterday' is not a time; give one such as 12h"),
        (("nightly", "--since", "2030-01-01"), "--since: no campaign nightly started since 2030-01-01 00:00 UTC"),
        (
            ("nightly", "--timezone", "Asia/Tokio"),
            "--timezone: 'Asia/Tokio' is not a timezone; did you mean Asia/Tokyo",
        ),
        (
            ("nightly", "--metric", "init"),
            "--metric: 'init' was not measured; there are client_ms, startup_ms, and all",
        ),
    ],
)
def test_bad_input_is_said_with_what_is_accepted(
    isotherm: Isotherm, reports: str, options: tuple[str, ...], said: str
) -> None:
    code, out, err = isotherm("trend", *options, "--reports", "reports")
    assert Path(reports).name == "reports"
    assert (code, out) == (2, "")
    assert said in err


def test_a_folder_that_is_not_there_is_bad_input(isotherm: Isotherm) -> None:
    code, _, err = isotherm("trend", "nightly", "--reports", "absent")
    assert code == 2
    assert "--reports: there is no folder absent" in err


def test_without_a_stack_it_says_how_to_have_one(isotherm: Isotherm) -> None:
    code, _, err = isotherm("trend", "nightly")
    assert code == 1
    assert "isotherm local up" in err


def test_the_finished_campaigns_of_a_name_are_gathered(home: Home) -> None:
    from isotherm.aws.store.bucket import Bucket, report_key
    from isotherm.aws.store.records import CampaignRecord
    from isotherm.aws.store.sessions import gather
    from isotherm.aws.store.table import Table

    table, bucket = Table(home), Bucket(home)
    for number, session in enumerate(SESSIONS):
        name = "nightly" if number < 5 else "night"
        started_at = session.created_at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        table.put_campaign(CampaignRecord(campaign_id=session.campaign_id, started_at=started_at, name=name))
        if number != 1:  # still running
            table.finish_campaign(session.campaign_id, "it was quick")
        if number != 2:  # its report was deleted
            bucket.write(report_key(session.campaign_id, "summary.json"), session.model_dump_json().encode())
    bucket.write(report_key(SESSIONS[3].campaign_id, "summary.json"), b"{}")

    found = gather(table, bucket, "nightly")
    assert [session.campaign_id for session in found.sessions] == ["nightly-004", "nightly-000"]
    assert found.unfinished == ["nightly-001"]
    assert {out.campaign_id: out.reason.split(" (")[0] for out in found.left_out} == {
        "nightly-002": "its report was deleted",
        "nightly-003": "its summary.json cannot be read",
    }
    assert [s.campaign_id for s in gather(table, bucket, "nightly", limit=1).sessions] == ["nightly-004"]
    assert [s.campaign_id for s in gather(table, bucket, "nightly", but={"nightly-004"}).sessions] == ["nightly-000"]
    assert gather(table, bucket, "nightly", since="2026-11-02T03:00:00").sessions == [SESSIONS[4]]
    assert gather(table, bucket, "nobody").sessions == []
    assert table.campaign_names(10) == ["night", "nightly"]
