"""What each case of the mock file must do: the states entered, the functions called, and how the execution ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CAMPAIGN = {"targets": ["default", "pkg20"], "rounds": 1}
LANE = {"campaign_id": "c1", "lane_key": "r00-default-us-east-1", "task_token": "token", "steps": [0]}

ADMITTED = ("PlanCampaign", "AdmitOrRefuse", "MeasureWaves")
WAVE = ("MeasureLanes", "DispatchLane")
RESCUED = (*WAVE, "RescueLane")
REPORTED = ("AggregateResults", "PublishReport")
EXPLAINED = ("ExplainFailure", "ReadFailure", "CampaignFailedBecause")
UNEXPLAINED = ("ExplainFailure", "CampaignFailed")
SILENT = ("ExplainFailure", "CampaignSilent")

SHOOT = ("PublishFreshVersions", "FireShots")
SALVAGED = ("FireFailed", "SalvageReports", "StepFailed")
SALVAGED_AFTER_SILENCE = ("FireSilent", "SalvageReports", "StepFailed")
ENDED = ("RestoreFunction", "NotifyCampaign")

PAGE = {"page": "s3://bucket/reports/x/index.html"}
TOLD = {"lane_key": "r00-default-us-east-1", "status": "told"}


@dataclass(frozen=True)
class Case:
    """One case: `calls` are the functions in the order of their calls, each retry again.

    Where `ordered` is false, states run side by side and only how often each is entered is compared.
    """

    machine: str
    name: str
    path: tuple[str, ...]
    calls: str
    output: Any = None
    error: str | None = None
    cause: str | None = None
    ordered: bool = True

    @property
    def status(self) -> str:
        """How the execution must end."""
        return "SUCCEEDED" if self.error is None else "FAILED"

    @property
    def input(self) -> dict[str, Any]:
        """What the execution is started with."""
        return CAMPAIGN if self.machine == "campaign" else LANE


def _campaign(name: str, path: tuple[str, ...], calls: str, **end: Any) -> Case:
    return Case("campaign", name, path, calls, **(end or {"output": PAGE}))


def _lane(name: str, path: tuple[str, ...], calls: str, **end: Any) -> Case:
    return Case("lane", name, path, calls, **(end or {"output": TOLD}))


CASES = (
    _campaign("Measured", (*ADMITTED, *WAVE, *WAVE, *REPORTED), "Plan Dispatch Dispatch Aggregate Publish"),
    _campaign(
        "SideBySide",
        (*ADMITTED, *WAVE, "DispatchLane", *REPORTED),
        "Plan Dispatch Dispatch Aggregate Publish",
        output=PAGE,
        ordered=False,
    ),
    _campaign(
        "OneRoundOfFiveTargets",
        (*ADMITTED, *WAVE, *WAVE, *WAVE, *WAVE, *WAVE, *REPORTED),
        "Plan Dispatch Dispatch Dispatch Dispatch Dispatch Aggregate Publish",
    ),
    _campaign(
        "Refused",
        ("PlanCampaign", "AdmitOrRefuse", "Refused"),
        "Plan",
        error="InvalidCampaign",
        cause="memory_mb: 64 is below what Lambda accepts (128 to 10240)",
    ),
    _campaign(
        "OverBudget",
        ("PlanCampaign", "AdmitOrRefuse", "Refused"),
        "Plan",
        error="OverBudget",
        cause="budget_usd: this campaign costs about 4.10 USD, above your 1.00",
    ),
    _campaign(
        "DryRun",
        ("PlanCampaign", "AdmitOrRefuse", "DryRunDone"),
        "Plan",
        output={"status": "dry_run", "campaign_id": "unused", "price": {"usd": 0.02}},
    ),
    _campaign(
        "PlanOfAnotherVersion",
        ("PlanCampaign", "AdmitOrRefuse", "PlanNotUnderstood"),
        "Plan",
        error="PlanNotUnderstood",
        cause="PlanCampaign answered with a status other than admitted, dry_run or refused; the state machine and the "
        "functions are of different versions. Deploy them together.",
    ),
    # Five retries after the first attempt, then the platform's own words.
    _campaign(
        "PlanUnreachable",
        ("PlanCampaign", *UNEXPLAINED),
        "Plan Plan Plan Plan Plan Plan",
        error="Lambda.ServiceException",
        cause="Service is unavailable.",
    ),
    _campaign(
        "PlanRaises",
        ("PlanCampaign", *EXPLAINED),
        "Plan",
        error="ClientError",
        cause="An error occurred (AccessDenied) when calling the PutObject operation",
    ),
    _campaign(
        "Throttled",
        (*ADMITTED, *WAVE, *REPORTED),
        "Plan Plan Plan Dispatch Dispatch Aggregate Aggregate Publish",
        output=PAGE,
    ),
    # Not retried: the lane may have been started, with the first attempt's token.
    _campaign(
        "DispatchInterrupted",
        (*ADMITTED, *RESCUED, *WAVE, *REPORTED),
        "Plan Dispatch Rescue Dispatch Aggregate Publish",
    ),
    _campaign("LaneFails", (*ADMITTED, *RESCUED, *WAVE, *REPORTED), "Plan Dispatch Rescue Dispatch Aggregate Publish"),
    _campaign("LaneSilent", (*ADMITTED, *RESCUED, *WAVE, *REPORTED), "Plan Dispatch Rescue Dispatch Aggregate Publish"),
    _campaign(
        "RescueFailsOnce",
        (*ADMITTED, *RESCUED, *WAVE, *REPORTED),
        "Plan Dispatch Rescue Rescue Dispatch Aggregate Publish",
    ),
    _campaign(
        "LaneLost",
        (*ADMITTED, *RESCUED, "LaneLost", *WAVE, *REPORTED),
        "Plan Dispatch Rescue Rescue Rescue Rescue Dispatch Aggregate Publish",
    ),
    _campaign(
        "NothingUsed",
        (*ADMITTED, *RESCUED, *RESCUED, *REPORTED, *EXPLAINED),
        "Plan Dispatch Rescue Dispatch Rescue Aggregate Publish",
        error="NothingUsed",
        cause="nothing could be used: no call was made; 2 of 2 lanes failed; r00-default-us-east-1: the lane's "
        "execution was stopped",
    ),
    _campaign(
        "AggregateSilent",
        (*ADMITTED, *WAVE, *WAVE, "AggregateResults", *SILENT),
        "Plan Dispatch Dispatch Aggregate",
        error="FunctionSilent",
        cause="PlanCampaign, AggregateResults or PublishReport (the last one entered) did not answer within its "
        "TimeoutSeconds; its log says how far it came.",
    ),
    _campaign(
        "PublishFails",
        (*ADMITTED, *WAVE, *WAVE, *REPORTED, *EXPLAINED),
        "Plan Dispatch Dispatch Aggregate Publish",
        error="NoSuchBucket",
        cause="the results bucket is gone",
    ),
    _lane("Measured", ("RunSteps", *SHOOT, "Fire", "CollectReports", *ENDED), "Prepare Fire Collect Restore Notify"),
    _lane(
        "TwoShards",
        ("RunSteps", *SHOOT, "Fire", "Fire", "CollectReports", *ENDED),
        "Prepare Fire Fire Collect Restore Notify",
    ),
    _lane("PrepareFails", ("RunSteps", "PublishFreshVersions", "StepFailed", *ENDED), "Prepare Restore Notify"),
    _lane(
        "FireFails",
        ("RunSteps", *SHOOT, "Fire", "Fire", *SALVAGED, *ENDED),
        "Prepare Fire Fire Collect Restore Notify",
    ),
    _lane(
        "FireFailsAndCollectToo",
        ("RunSteps", *SHOOT, "Fire", "Fire", *SALVAGED, *ENDED),
        "Prepare Fire Fire Collect Restore Notify",
    ),
    # Throttled: it never ran, so it is called again.
    _lane(
        "FireThrottled",
        ("RunSteps", *SHOOT, "Fire", "CollectReports", *ENDED),
        "Prepare Fire Fire Fire Collect Restore Notify",
    ),
    # Any other error, even a transient one: it may have begun, so it is called once.
    _lane("FireMayHaveBegun", ("RunSteps", *SHOOT, "Fire", *SALVAGED, *ENDED), "Prepare Fire Collect Restore Notify"),
    _lane(
        "FireSilent",
        ("RunSteps", *SHOOT, "Fire", *SALVAGED_AFTER_SILENCE, *ENDED),
        "Prepare Fire Collect Restore Notify",
    ),
    _lane(
        "CollectSilent",
        ("RunSteps", *SHOOT, "Fire", "CollectReports", "StepSilent", *ENDED),
        "Prepare Fire Collect Restore Notify",
    ),
    _lane(
        "CollectFails",
        ("RunSteps", *SHOOT, "Fire", "CollectReports", "StepFailed", *ENDED),
        "Prepare Fire Collect Restore Notify",
    ),
    _lane(
        "CollectInterrupted",
        ("RunSteps", *SHOOT, "Fire", "CollectReports", *ENDED),
        "Prepare Fire Collect Collect Restore Notify",
    ),
    _lane(
        "RestoreFailsThenSucceeds",
        ("RunSteps", *SHOOT, "Fire", "CollectReports", *ENDED),
        "Prepare Fire Collect Restore Restore Restore Notify",
    ),
    _lane(
        "RestoreFails",
        ("RunSteps", *SHOOT, "Fire", "CollectReports", *ENDED),
        "Prepare Fire Collect Restore Restore Restore Restore Restore Notify",
    ),
    _lane(
        "FireAndRestoreFail",
        ("RunSteps", *SHOOT, "Fire", "Fire", *SALVAGED, *ENDED),
        "Prepare Fire Fire Collect Restore Restore Restore Restore Restore Notify",
    ),
    _lane(
        "NotifyFails",
        ("RunSteps", *SHOOT, "Fire", "CollectReports", *ENDED, "CampaignNotTold"),
        "Prepare Fire Collect Restore Notify Notify Notify Notify",
        error="CampaignNotTold",
        cause='{"errorMessage": "the home region does not answer", "errorType": "ConnectTimeoutError", '
        '"stackTrace": ["  File \\"app.py\\", line 1, in handler"]}',
    ),
)
