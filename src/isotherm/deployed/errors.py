"""What can go wrong with a deployed stack and its campaigns. The texts know nothing of a command line."""

from __future__ import annotations


class DeployedError(Exception):
    """A deployed stack could not do what it was asked; the text says what and why."""


class NotDeployed(DeployedError):
    """There is no such stack in the home region, or it is not an Isotherm home."""


class PlanFailed(DeployedError):
    """The stack's plan function failed, or made a plan that this version cannot read."""


class Refused(DeployedError):
    """A campaign that must not start; `error` names the kind, the text is for the person who wrote the campaign."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(cause)
        self.error = error


class StillBusy(DeployedError):
    """Other campaigns still have the functions that one is to measure, after the time that was given; none started."""


class NoSuchCampaign(DeployedError):
    """The stack has no campaign of this id, or no campaign can have it."""


class CampaignFailed(DeployedError):
    """A campaign's execution ended other than well."""


class NoReport(DeployedError):
    """A campaign has ended and has no report: it failed, it was a dry run, or its report was deleted."""


class StillRunning(DeployedError):
    """A campaign has no report yet."""

    def __init__(self, campaign_id: str) -> None:
        super().__init__(f"campaign {campaign_id} is still running")
        self.campaign_id = campaign_id


class NotFetched(DeployedError):
    """A report is there but cannot be written on this machine; the text says where, and what to do."""


class ReportFailed(DeployedError):
    """The report of a campaign that was cut short could not be made."""


class NotRestored(DeployedError):
    """Functions of a campaign that was stopped are not as they were before it, after the time that was given."""
