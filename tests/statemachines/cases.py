"""What each case of the mock file must do: the states entered, the functions called, and how the execution ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CAMPAIGN = {"targets": ["default", "pkg20"], "rounds": 1}
TOUR = {"campaign_id": "c1", "tour": "from-us-east-1", "task_token": "token", "stages": [0]}

ADMITTED = ("PlanCampaign", "AdmitOrRefuse", "MeasureWaves")
WAVE = ("MeasureTours", "DispatchTour")
RESCUED = (*WAVE, "RescueTour")
REPORTED = ("AggregateResults", "PublishReport")
EXPLAINED = ("ExplainFailure", "ReadFailure", "CampaignFailedBecause")
UNEXPLAINED = ("ExplainFailure", "CampaignFailed")
SILENT = ("ExplainFailure", "CampaignSilent")

SHOOT = ("PublishFreshVersions", "FireShots")
SALVAGED = ("FireFailed", "SalvageStage")
SALVAGED_AFTER_SILENCE = ("FireSilent", "SalvageStage")
ENDED = ("RestoreFunctions", "NotifyCampaign")

PAGE = {"page": "s3://bucket/reports/x/index.html"}
TOLD = {"tour": "from-us-east-1", "status": "told"}


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
    stages: int = 1

    @property
    def status(self) -> str:
        """How the execution must end."""
        return "SUCCEEDED" if self.error is None else "FAILED"

    @property
    def input(self) -> dict[str, Any]:
        """What the execution is started with."""
        return CAMPAIGN if self.machine == "campaign" else TOUR | {"stages": list(range(self.stages))}


def _campaign(name: str, path: tuple[str, ...], calls: str, **end: Any) -> Case:
    return Case("campaign", name, path, calls, **(end or {"output": PAGE}))


def _lane(name: str, path: tuple[str, ...], calls: str, **end: Any) -> Case:
    return Case("lane", name, path, calls, **(end or {"output": TOLD}))


CASES = (
    _campaign("Measured", (*ADMITTED, *WAVE, *WAVE, *REPORTED), "Plan Dispatch Dispatch Aggregate Publish"),
    _campaign(
        "SideBySide",
        (*ADMITTED, *WAVE, "DispatchTour", *REPORTED),
        "Plan Dispatch Dispatch Aggregate Publish",
        output=PAGE,
        ordered=False,
    ),
    _campaign("OneTour", (*ADMITTED, *WAVE, *REPORTED), "Plan Dispatch Aggregate Publish"),
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
    _campaign("PlanKilled", (*ADMITTED, *WAVE, *WAVE, *REPORTED), "Plan Plan Dispatch Dispatch Aggregate Publish"),
    _campaign(
        "PlanRaises",
        ("PlanCampaign", *EXPLAINED),
        "Plan Plan Plan",
        error="ClientError",
        cause="An error occurred (AccessDenied) when calling the PutObject operation",
    ),
    _campaign(
        "Throttled",
        (*ADMITTED, *WAVE, *REPORTED),
        "Plan Plan Plan Dispatch Dispatch Aggregate Aggregate Publish",
        output=PAGE,
    ),
    # Not retried: the tour may have been started, with the first attempt's token.
    _campaign(
        "DispatchInterrupted",
        (*ADMITTED, *RESCUED, *WAVE, *REPORTED),
        "Plan Dispatch Rescue Dispatch Aggregate Publish",
    ),
    _campaign("LanesFail", (*ADMITTED, *RESCUED, *WAVE, *REPORTED), "Plan Dispatch Rescue Dispatch Aggregate Publish"),
    _campaign("TourSilent", (*ADMITTED, *RESCUED, *WAVE, *REPORTED), "Plan Dispatch Rescue Dispatch Aggregate Publish"),
    _campaign(
        "RescueFailsOnce",
        (*ADMITTED, *RESCUED, *WAVE, *REPORTED),
        "Plan Dispatch Rescue Rescue Dispatch Aggregate Publish",
    ),
    _campaign(
        "TourLost",
        (*ADMITTED, *RESCUED, "TourLost", *WAVE, *REPORTED),
        "Plan Dispatch Rescue Rescue Rescue Rescue Dispatch Aggregate Publish",
    ),
    _campaign(
        "NothingUsed",
        (*ADMITTED, *RESCUED, *RESCUED, *REPORTED, *EXPLAINED),
        "Plan Dispatch Rescue Dispatch Rescue Aggregate Publish",
        error="NothingUsed",
        cause="nothing could be used: no call was made; 2 of 2 lanes failed; r00-default-us-east-1: the "
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
    # Two retries after the first attempt.
    _campaign(
        "AggregateFails",
        (*ADMITTED, *WAVE, *WAVE, "AggregateResults", *EXPLAINED),
        "Plan Dispatch Dispatch Aggregate Aggregate Aggregate",
        error="PlanLost",
        cause="the plan of campaign x is not in the bucket",
    ),
    _campaign(
        "ReportKilled",
        (*ADMITTED, *WAVE, *WAVE, *REPORTED),
        "Plan Dispatch Dispatch Aggregate Aggregate Publish Publish Publish",
    ),
    _campaign(
        "PublishFails",
        (*ADMITTED, *WAVE, *WAVE, *REPORTED, *EXPLAINED),
        "Plan Dispatch Dispatch Aggregate Publish Publish Publish",
        error="NoSuchBucket",
        cause="the results bucket is gone",
    ),
    _lane("Measured", ("RunStages", *SHOOT, "Fire", "CollectReports", *ENDED), "Prepare Fire Collect Restore Notify"),
    _lane(
        "TwoShards",
        ("RunStages", *SHOOT, "Fire", "Fire", "CollectReports", *ENDED),
        "Prepare Fire Fire Collect Restore Notify",
    ),
    _lane("NothingToCall", ("RunStages", *SHOOT, "CollectReports", *ENDED), "Prepare Collect Restore Notify"),
    _lane(
        "PrepareFails",
        ("RunStages", "PublishFreshVersions", "SalvageStage", *ENDED),
        "Prepare Collect Restore Notify",
    ),
    _lane(
        "PrepareSilent",
        ("RunStages", "PublishFreshVersions", "SalvageStage", *ENDED),
        "Prepare Collect Restore Notify",
    ),
    _lane(
        "FireFails",
        ("RunStages", *SHOOT, "Fire", "Fire", *SALVAGED, *ENDED),
        "Prepare Fire Fire Collect Restore Notify",
    ),
    _lane(
        "FireFailsAndCollectToo",
        ("RunStages", *SHOOT, "Fire", "Fire", *SALVAGED, "StageLost", *ENDED),
        "Prepare Fire Fire Collect Restore Notify",
    ),
    # Throttled: it never ran, so it is called again.
    _lane(
        "FireThrottled",
        ("RunStages", *SHOOT, "Fire", "CollectReports", *ENDED),
        "Prepare Fire Fire Fire Collect Restore Notify",
    ),
    # Any other error, even a transient one: it may have begun, so it is called once.
    _lane("FireMayHaveBegun", ("RunStages", *SHOOT, "Fire", *SALVAGED, *ENDED), "Prepare Fire Collect Restore Notify"),
    _lane(
        "FireSilent",
        ("RunStages", *SHOOT, "Fire", *SALVAGED_AFTER_SILENCE, *ENDED),
        "Prepare Fire Collect Restore Notify",
    ),
    _lane(
        "CollectSilent",
        ("RunStages", *SHOOT, "Fire", "CollectReports", "SalvageStage", *ENDED),
        "Prepare Fire Collect Collect Restore Notify",
    ),
    _lane(
        "CollectFails",
        ("RunStages", *SHOOT, "Fire", "CollectReports", "SalvageStage", *ENDED),
        "Prepare Fire Collect Collect Restore Notify",
    ),
    _lane(
        "CollectInterrupted",
        ("RunStages", *SHOOT, "Fire", "CollectReports", *ENDED),
        "Prepare Fire Collect Collect Restore Notify",
    ),
    _lane(
        "SecondStageFails",
        ("RunStages", *SHOOT, "Fire", "CollectReports", *SHOOT, "Fire", *SALVAGED, *ENDED),
        "Prepare Fire Collect Prepare Fire Collect Restore Notify",
        output=TOLD,
        stages=2,
    ),
    _lane(
        "RestoreFailsThenSucceeds",
        ("RunStages", *SHOOT, "Fire", "CollectReports", *ENDED),
        "Prepare Fire Collect Restore Restore Restore Notify",
    ),
    _lane(
        "RestoreFails",
        ("RunStages", *SHOOT, "Fire", "CollectReports", *ENDED),
        "Prepare Fire Collect Restore Restore Restore Restore Restore Notify",
    ),
    _lane(
        "FireAndRestoreFail",
        ("RunStages", *SHOOT, "Fire", "Fire", *SALVAGED, *ENDED),
        "Prepare Fire Fire Collect Restore Restore Restore Restore Restore Notify",
    ),
    _lane(
        "NotifyFails",
        ("RunStages", *SHOOT, "Fire", "CollectReports", *ENDED, "CampaignNotTold"),
        "Prepare Fire Collect Restore Notify Notify Notify Notify",
        error="CampaignNotTold",
        cause='{"errorMessage": "the home region does not answer", "errorType": "ConnectTimeoutError", '
        '"stackTrace": ["  File \\"app.py\\", line 1, in handler"]}',
    ),
)
