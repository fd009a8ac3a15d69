"""One campaign on a deployed stack: start it, look at it, stop it, fetch what it found. Shows nothing."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isotherm import __version__
from isotherm.campaign.refusals import FunctionsBusy, InvalidCampaign, OverBudget
from isotherm.deployed.errors import (
    CampaignFailed,
    DeployedError,
    NoReport,
    NoSuchCampaign,
    NotFetched,
    NotRestored,
    PlanFailed,
    Refused,
    ReportFailed,
    StillBusy,
    StillRunning,
)
from isotherm.numbers import count
from isotherm.report import file_names

if TYPE_CHECKING:
    from isotherm.analysis.summary import CampaignSummary
    from isotherm.aws.store.bucket import Bucket
    from isotherm.aws.store.records import CampaignRecord
    from isotherm.aws.store.sessions import Gathered
    from isotherm.aws.store.table import Table
    from isotherm.campaign.lane import Lane
    from isotherm.campaign.plan import Plan
    from isotherm.deployed.deployment import Deployment
    from isotherm.deployed.progress import CampaignProgress

RUNNING = "RUNNING"
SUCCEEDED = "SUCCEEDED"

#: The embedded stack measures on the very machine that polls it, so polling is kept rare.
POLL_S = 2.0

#: How often it is looked whether another campaign still has the functions of one that waits.
BUSY_POLL_S = 10.0

STOP_ERROR = "CampaignStopped"
STOP_CAUSE = "stopped on request"

#: Tours that are ended side by side, where a campaign was cut short.
_RESCUERS = 8

_MAX_NAME = 80  # AWS, StartExecution
_REFUSALS = (InvalidCampaign.error, OverBudget.error)


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a dry run answered."""

    lanes: int
    price_usd: float


@dataclass(frozen=True, slots=True)
class State:
    """How an execution stands: `status` as Step Functions names it, why it failed, when it began and ended.

    Times are Unix times in seconds.

    `dry_run` is what it answered, where it has ended and was to plan only.
    """

    status: str
    error: str | None = None
    cause: str | None = None
    started_at: float | None = None
    ended_at: float | None = None
    dry_run: DryRun | None = None

    @property
    def reason(self) -> str:
        """Error and cause in one line; empty where there is neither."""
        return ": ".join(part for part in (self.error, self.cause) if part)

    @property
    def refused(self) -> bool:
        """Whether the campaign never started, by its own fault."""
        return self.error in _REFUSALS

    def check(self, campaign_id: str) -> None:
        """Do nothing if the campaign succeeded; raise if it did not.

        Raises
        ------
        Refused
            It never started: the text says why.
        CampaignFailed
            It ended otherwise.
        """
        if self.status == SUCCEEDED:
            return
        if self.error is not None and self.refused:
            raise Refused(self.error, self.cause or self.error)
        raise CampaignFailed(f"campaign {campaign_id} ended as {self.status}: {self.reason or 'no reason given'}")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a campaign stands, and what its lanes have done: None until there is a plan, and of a dry run."""

    state: State
    progress: CampaignProgress | None


@dataclass(frozen=True, slots=True)
class Fetched:
    """Where the files of a report were put."""

    folder: Path

    @property
    def page(self) -> Path:
        """Path of the page to open in a browser."""
        return self.folder / file_names.PAGE

    @property
    def summary(self) -> Path:
        """Path of the summary, `summary.json`."""
        return self.folder / file_names.SUMMARY

    @property
    def markdown(self) -> Path:
        """Path of the report as Markdown, for pasting into an issue."""
        return self.folder / file_names.MARKDOWN

    @property
    def samples(self) -> Path:
        """Path of the raw samples, `samples.csv.gz`."""
        return self.folder / file_names.SAMPLES


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of `isotherm list`; `headline` once there is a report."""

    campaign_id: str
    name: str
    started_at: str
    status: str
    lanes: int
    price_usd: float | None
    headline: str | None


def new_campaign_id(name: str, now: float | None = None) -> str:
    """A name for an execution that was not used before: the campaign's own, the time (UTC), and four random digits."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
    return f"{name[: _MAX_NAME - 21]}-{stamp}-{secrets.token_hex(2)}"


class Campaigns:
    """The campaigns of one deployed stack."""

    def __init__(self, deployment: Deployment) -> None:
        from isotherm.aws.clients import Home, client
        from isotherm.aws.store.bucket import Bucket
        from isotherm.aws.store.table import Table

        home = Home(deployment.stack, deployment.home_region, deployment.table, deployment.bucket)
        self._home = home
        self._machine_arn = deployment.campaign_machine_arn
        self._states = client("stepfunctions", home.region)
        self._table: Table = Table(home)
        self._bucket: Bucket = Bucket(home)

    def execution_arn(self, campaign_id: str) -> str:
        """ARN of the campaign's execution."""
        from isotherm.aws.tour_executions import execution_arn

        return execution_arn(self._machine_arn, campaign_id)

    def make_plan(self, document: dict[str, Any]) -> Plan:
        """Have the stack plan a campaign without starting it, or refuse it.

        The plan that is given is the one that the stack's plan function made, as a dry run: `campaign.dry_run` is true.
        It is deleted from the bucket once it is read; who may not delete it leaves it to the bucket's lifecycle rule.

        Raises
        ------
        Refused
            The function refuses it: the text is its own.
        PlanFailed
            The function failed, or is of another version and its plan cannot be read.
        """
        from isotherm.aws.clients import client
        from isotherm.aws.store.bucket import dry_plan_key

        campaign_id = new_campaign_id(str(document.get("name", "campaign")))
        request = {
            "campaign": {**document, "dry_run": True},
            "campaign_id": campaign_id,
            "started_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        said, failed = self._call(client("lambda", self._home.region), "plan", request)
        if failed:
            raise PlanFailed(failed)
        if said["status"] == "refused":
            raise Refused(said["error"], said["cause"])
        plan = self._bucket.read_if_there(dry_plan_key(campaign_id))
        if plan is None:
            raise PlanFailed(
                f"{self._home.stack}-plan is of another version of Isotherm than this ({__version__}); deploy it again"
            )
        self._bucket.delete_if_allowed(dry_plan_key(campaign_id))
        return self._parse_plan(campaign_id, plan)

    def _parse_plan(self, campaign_id: str, text: bytes) -> Plan:
        from pydantic import ValidationError

        from isotherm.campaign.plan import Plan

        try:
            return Plan.model_validate_json(text)
        except ValidationError as fault:
            first = fault.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise PlanFailed(
                f"the plan of {campaign_id} was made by another version of Isotherm than this ({__version__}), which "
                f"cannot read it ({where}: {first['msg']})"
            ) from None

    def start(self, document: dict[str, Any]) -> str:
        """Start a campaign; returns its id."""
        campaign_id = new_campaign_id(str(document.get("name", "campaign")))
        self._states.start_execution(stateMachineArn=self._machine_arn, name=campaign_id, input=json.dumps(document))
        return campaign_id

    def start_when_free(
        self, document: dict[str, Any], timeout_s: float, say: Callable[[str], None], poll_s: float = BUSY_POLL_S
    ) -> str:
        """Start a campaign once no other has the functions it is to measure; returns its id.

        Parameters
        ----------
        document : dict
            The campaign.
        timeout_s : float
            How long to wait for others, in seconds.
        say : callable
            Told who has them, whenever that changes.
        poll_s : float
            How often to look, in seconds.

        Raises
        ------
        Refused, PlanFailed
            It cannot be carried out at all.
        StillBusy
            Others still have functions of it; nothing was started.
        """
        functions = self.make_plan(document).functions
        deadline, told = time.monotonic() + timeout_s, ""
        while True:
            busy = self._table.kept_by_others(None, functions)
            if not busy:
                campaign_id = self.start(document)
                if self._is_admitted(campaign_id):
                    return campaign_id
                say(f"another campaign was quicker than {campaign_id}")
                told = ""
                continue
            held = "; ".join(
                f"campaign {lease.campaign_id} has {lease.function_name} in {lease.region}" for lease in busy
            )
            if time.monotonic() > deadline:
                raise StillBusy(f"after {timeout_s:.0f} s {held}; nothing was started")
            if held != told:
                say(f"{held}; looking again every {poll_s:g} s")
                told = held
            time.sleep(poll_s)

    def _is_admitted(self, campaign_id: str) -> bool:
        """Wait for its plan; False where another campaign took its functions just before."""
        while self.plan(campaign_id) is None:
            state = self.state(campaign_id)
            if state.status != RUNNING:
                return state.error != FunctionsBusy.error
            time.sleep(POLL_S / 4)
        return True

    def state(self, campaign_id: str) -> State:
        """How its execution stands.

        Raises
        ------
        NoSuchCampaign
            There is none of this id.
        """
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,80}", campaign_id):
            raise NoSuchCampaign(f"{campaign_id!r} is not a campaign's id (letters, digits, - and _; at most 80)")
        try:
            facts = self._states.describe_execution(executionArn=self.execution_arn(campaign_id))
        except self._states.exceptions.ExecutionDoesNotExist:
            raise NoSuchCampaign(f"there is no campaign {campaign_id} on stack {self._home.stack}") from None
        ended_at = facts.get("stopDate")
        return State(
            status=facts["status"],
            error=facts.get("error"),
            cause=facts.get("cause"),
            started_at=facts["startDate"].timestamp(),
            ended_at=ended_at.timestamp() if ended_at else None,
            dry_run=_dry_run(facts.get("output")),
        )

    def follow(self, campaign_id: str, poll_s: float = POLL_S) -> Iterator[Standing]:
        """How a campaign stands, every `poll_s` seconds until its execution has ended; the last one is how it ended.

        Raises
        ------
        NoSuchCampaign
            There is none of this id.
        """
        plan = None
        while True:
            state = self.state(campaign_id)
            plan = plan or self.plan(campaign_id)
            yield Standing(state, None if plan is None else self.progress(plan))
            if state.status != RUNNING:
                return
            time.sleep(poll_s)

    def latest(self, limit: int) -> list[Listed]:
        """The campaigns that were admitted last, the newest first."""
        return [
            Listed(
                campaign_id=record.campaign_id,
                name=record.name,
                started_at=record.started_at,
                status=self._status(record),
                lanes=record.lanes,
                price_usd=record.price_usd,
                headline=record.headline,
            )
            for record in self._table.campaigns(limit)
        ]

    def _status(self, record: CampaignRecord) -> str:
        try:
            return self.state(record.campaign_id).status
        except NoSuchCampaign:  # Step Functions forgets an execution after 90 days, the table after 400
            return SUCCEEDED if record.finished_at else "STOPPED" if record.stopped_at else "UNKNOWN"

    def sessions(self, name: str, since: str, limit: int) -> Gathered:
        """The campaigns of a name as sessions of a trend; those without a report are left out, with how they stand."""
        from isotherm.analysis.trend_model import LeftOut
        from isotherm.aws.store.sessions import gather

        found = gather(self._table, self._bucket, name, since=since, limit=limit)
        unfinished = [LeftOut(campaign_id=name, reason=self._why_unfinished(name)) for name in found.unfinished]
        return found._replace(left_out=[*found.left_out, *unfinished])

    def _why_unfinished(self, campaign_id: str) -> str:
        from isotherm.aws.store.records import CampaignRecord

        status = self._status(CampaignRecord(campaign_id=campaign_id))
        if status == RUNNING:
            return "it is still running"
        return "it has no report" if status == "UNKNOWN" else f"it ended as {status} without a report"

    def names(self, limit: int) -> list[str]:
        """Names of the latest `limit` campaigns, the newest first."""
        return self._table.campaign_names(limit)

    def plan(self, campaign_id: str) -> Plan | None:
        """Its plan, once there is one; never of a dry run.

        Raises
        ------
        PlanFailed
            It is of another version and cannot be read.
        """
        from isotherm.aws.store.plans import read_plan

        text = read_plan(self._table, self._bucket, campaign_id)
        return None if text is None else self._parse_plan(campaign_id, text)

    def progress(self, plan: Plan) -> CampaignProgress:
        """What its lanes have done."""
        from isotherm.deployed.progress import campaign_progress

        return campaign_progress(plan, self._table.lanes(plan.campaign_id))

    def stop(self, campaign_id: str) -> None:
        """Stop the campaign's execution, then its tours; their functions are then put back by the stack itself."""
        if self.state(campaign_id).status == RUNNING:
            if self._table.campaign(campaign_id) is not None:
                self._table.stop_campaign(campaign_id)  # a dispatch that is under way starts nothing more
            self._states.stop_execution(
                executionArn=self.execution_arn(campaign_id), error=STOP_ERROR, cause=STOP_CAUSE
            )
        plan = self.plan(campaign_id)
        if plan is not None:
            self._stop_tours(plan)

    def _stop_tours(self, plan: Plan) -> list[str]:
        """Stop what runs; returns regions that could not be asked."""
        from botocore.exceptions import BotoCoreError, ClientError

        from isotherm.aws.clients import BRISK, make_client
        from isotherm.aws.tour_executions import (
            execution_arn,
            execution_state,
            lane_machine_arn,
            region_of_arn,
            tour_execution_name,
        )

        regions: dict[str, Any] = {}
        unheard = []
        records = {record.tour_key: record for record in self._table.tours(plan.campaign_id)}
        for tour in plan.tours.values():
            record = records.get(tour.key)  # None: somebody deleted its row
            if record is not None and record.updated_at is None:  # not dispatched
                continue
            # Where Dispatch starts it.
            machine = lane_machine_arn(self._machine_arn, self._home.stack, tour.client_region)
            name = tour_execution_name(plan.campaign_id, tour.key)
            arn = (record and record.execution_arn) or execution_arn(machine, name)
            region = region_of_arn(arn)
            if region in unheard:
                continue
            if region not in regions:
                regions[region] = make_client("stepfunctions", region, BRISK)
            states = regions[region]
            try:
                state = execution_state(states, arn)
                if state is not None and state.status == RUNNING:
                    states.stop_execution(executionArn=arn, error=STOP_ERROR, cause=STOP_CAUSE)
            except (BotoCoreError, ClientError):  # the tours of other regions are to be stopped all the same
                unheard.append(region)
        return unheard

    def unrestored(self, plan: Plan) -> list[str]:
        """Functions at which a tour of the campaign still is; in words."""
        left = []
        for region, name in plan.functions:
            lease = self._table.lease(region, name)
            if lease is not None and lease.campaign_id == plan.campaign_id and not lease.at_rest:
                left.append(f"{name} in {region} is not restored yet")
        return left

    def await_restored(self, campaign_id: str, timeout_s: float, say: Callable[[str], None]) -> list[Lane]:
        """Wait until the campaign's functions are as before; returns its lanes.

        Raises
        ------
        NotRestored
            Some are not after `timeout_s` seconds.
        """
        plan = self.plan(campaign_id)
        if plan is None:  # it never came to change anything
            return []
        deadline = time.monotonic() + timeout_s
        left, told = self.unrestored(plan), False
        if left:
            say(f"{len(left)} functions to be restored")
        while left:
            if time.monotonic() > deadline:
                raise NotRestored(f"after {timeout_s:.0f} s: {'; '.join(left)}")
            time.sleep(1.0)
            unheard = self._stop_tours(plan)  # one may have been started just then
            if unheard and not told:
                told = True
                say(f"tours in {', '.join(unheard)} cannot be stopped: Step Functions there cannot be asked")
            left = self.unrestored(plan)
        self._table.give_up_functions(campaign_id, plan.functions)
        return list(plan.lanes.values())

    def conclude(self, campaign_id: str, timeout_s: float, say: Callable[[str], None]) -> None:
        """Make the report of a campaign whose execution ended without one, of what it had measured until then.

        What still runs of it is stopped, its functions are restored, and what it had sent is collected. Made again, it
        is the same report.

        Parameters
        ----------
        campaign_id : str
            Of the campaign.
        timeout_s : float
            How long its functions may take to be restored, in seconds.
        say : callable
            Told what is being waited for.

        Raises
        ------
        StillRunning
            It has not ended.
        NoReport
            It came to no plan, was a dry run, or had a report that was deleted.
        NotRestored, ReportFailed
            That could not be done.
        """
        from isotherm.aws.clients import LONG_CALL, make_client

        state = self.state(campaign_id)
        plan = None if state.status in (RUNNING, SUCCEEDED) else self.plan(campaign_id)
        if plan is None:
            raise self._no_report(campaign_id)
        if self._table.campaign(campaign_id) is not None:
            self._table.stop_campaign(campaign_id)
        self._stop_tours(plan)
        functions = make_client("lambda", self._home.region, LONG_CALL)
        self._rescue_tours(functions, plan, state, say)
        self.await_restored(campaign_id, timeout_s, say)
        say("making the report of what was measured")
        ended_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(state.ended_at))
        ended = {"status": state.status, "at": ended_at, "error": state.error, "cause": state.cause}
        for verb, request in (("aggregate", {"ended": ended}), ("publish", {})):
            _, failed = self._call(functions, verb, {"campaign_id": campaign_id, **request})
            if failed:
                raise ReportFailed(f"campaign {campaign_id}: {failed}")

    def _rescue_tours(self, functions: Any, plan: Plan, state: State, say: Callable[[str], None]) -> None:
        """Give up every tour with a lane that began and did not end well; returns when what they sent is collected."""
        of_lane = {key: tour.key for tour in plan.tours.values() for key in tour.lanes}
        records = self._table.lanes(plan.campaign_id)
        lanes = [one.lane_key for one in records if one.status not in ("planned", "succeeded", "spared")]
        if not lanes:
            return
        tours = list(dict.fromkeys(of_lane[key] for key in lanes))
        say(f"{count(len(lanes), 'lane')} to be ended, and what was sent collected")
        cause = f"the campaign ended as {state.status}" + (f": {state.reason}" if state.reason else "")
        requests = [
            {"campaign_id": plan.campaign_id, "tour": key, "error": "CampaignEnded", "cause": cause} for key in tours
        ]
        with ThreadPoolExecutor(max_workers=min(len(tours), _RESCUERS)) as pool:
            answers = list(pool.map(lambda request: self._call(functions, "rescue", request), requests))
        problems = [failed for _, failed in answers if failed]
        if problems:
            raise ReportFailed(f"campaign {plan.campaign_id}: {problems[0]}")

    def _call(self, functions: Any, verb: str, request: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
        """Call one of the stack's control functions at home; what it answered, and in words that it failed, if so."""
        function = f"{self._home.stack}-{verb}"
        answer = functions.invoke(FunctionName=function, Payload=json.dumps(request))
        said: dict[str, Any] = json.loads(answer["Payload"].read())
        return said, f"{function} failed: {said.get('errorMessage', said)}" if "FunctionError" in answer else None

    def fetch(self, campaign_id: str, folder: Path) -> Fetched:
        """Download the report's files into `folder`: all of them whole, or none.

        Raises
        ------
        StillRunning
            There is no report yet.
        NoReport
            There is none, and there will be none.
        NoSuchCampaign
            There is no such campaign either.
        NotFetched
            The folder cannot be written.
        """
        from isotherm.aws.store.bucket import report_key
        from isotherm.local.errors import Unwritable
        from isotherm.local.writing import replace_whole

        files = {}
        for name in file_names.FETCHED:
            body = self._bucket.read_if_there(report_key(campaign_id, name))
            if body is None:
                raise self._no_report(campaign_id)
            files[folder / name] = body
        try:
            replace_whole(files)
        except Unwritable as problem:
            raise NotFetched(f"the report of campaign {campaign_id} is not fetched: {problem}") from problem
        return Fetched(folder)

    def _no_report(self, campaign_id: str) -> DeployedError:
        """Why a campaign has no report."""
        state = self.state(campaign_id)
        if state.status == RUNNING:
            return StillRunning(campaign_id)
        if state.dry_run is not None:
            return NoReport(f"campaign {campaign_id} was a dry run: it was planned, and nothing was measured")
        why = "its report was deleted" if state.status == SUCCEEDED else state.reason
        said = f"campaign {campaign_id} has no report; it ended as {state.status}"
        return NoReport(f"{said}: {why}" if why else said)


def _dry_run(output: str | None) -> DryRun | None:
    """From what an execution answered; only a dry run answers with a status."""
    answer = json.loads(output) if output else {}
    return DryRun(answer["lanes"], answer["price_usd"]) if answer.get("status") == "dry_run" else None


def read_summary(fetched: Fetched) -> CampaignSummary:
    """The numbers of a fetched report."""
    from isotherm.analysis.summary import CampaignSummary

    return CampaignSummary.model_validate_json(fetched.summary.read_bytes())
