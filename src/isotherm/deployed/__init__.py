"""The Python API of a deployed stack: plan, start, follow and stop campaigns, and fetch what they found.

What goes wrong is a `DeployedError`, whose text is plain; what AWS itself refuses is botocore's own `ClientError`.
Importing this package imports nothing beyond the standard library; botocore is loaded when AWS is first asked.

Examples
--------
>>> from pathlib import Path
>>> from isotherm.deployed import Campaigns, DeployedError, find_deployment, read_summary
>>> campaigns = Campaigns(find_deployment("isotherm", "us-east-1"))
>>> document = {"name": "mine", "targets": ["default"], "rounds": 1, "budget_usd": 0.5}
>>> plan = campaigns.make_plan(document)
>>> plan.price.usd < 0.5
True
>>> campaign_id = campaigns.start(document)
>>> for standing in campaigns.follow(campaign_id):
...     samples = standing.progress.samples if standing.progress else 0
>>> standing.state.check(campaign_id)
>>> report = campaigns.fetch(campaign_id, Path("report"))
>>> read_summary(report).campaign_id == campaign_id
True
>>> try:
...     campaigns.make_plan({**document, "rounds": 0})
... except DeployedError as problem:
...     print(problem)
rounds: 0 is below the least accepted, 1
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isotherm.deployed.campaigns import Campaigns, DryRun, Fetched, Listed, Standing, State, read_summary
    from isotherm.deployed.deployment import Deployment, find_deployment
    from isotherm.deployed.errors import (
        CampaignFailed,
        DeployedError,
        NoReport,
        NoSuchCampaign,
        NotDeployed,
        NotFetched,
        NotRestored,
        PlanFailed,
        Refused,
        ReportFailed,
        StillBusy,
        StillRunning,
    )
    from isotherm.deployed.progress import CampaignProgress, LaneProgress

__all__ = [
    "CampaignFailed",
    "CampaignProgress",
    "Campaigns",
    "DeployedError",
    "Deployment",
    "DryRun",
    "Fetched",
    "LaneProgress",
    "Listed",
    "NoReport",
    "NoSuchCampaign",
    "NotDeployed",
    "NotFetched",
    "NotRestored",
    "PlanFailed",
    "Refused",
    "ReportFailed",
    "Standing",
    "State",
    "StillBusy",
    "StillRunning",
    "find_deployment",
    "read_summary",
]

_HOMES = {
    "campaigns": ("Campaigns", "DryRun", "Fetched", "Listed", "Standing", "State", "read_summary"),
    "deployment": ("Deployment", "find_deployment"),
    "progress": ("CampaignProgress", "LaneProgress"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module(f"{__name__}.{_HOME_OF.get(name, 'errors')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
