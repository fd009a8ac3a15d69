"""Why a campaign may not start: the errors that the execution ends with."""

from __future__ import annotations

import json


class CampaignRefused(Exception):
    """A campaign that must not start; `error` names the kind, the text is for the person who typed the input."""

    error = "CampaignRefused"


class InvalidCampaign(CampaignRefused):
    """The input cannot be carried out as written."""

    error = "InvalidCampaign"


class OverBudget(CampaignRefused):
    """The campaign costs more than its `budget_usd`."""

    error = "OverBudget"


class FunctionsBusy(CampaignRefused):
    """Another campaign, which came first, has functions that this one is to measure."""

    error = "FunctionsBusy"


def shown(value: object) -> str:
    """A value as a person wrote it, shortened to 80 characters."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."
