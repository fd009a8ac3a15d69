"""Reads what a person wrote, and says in plain words which field cannot be what it is."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError

from isotherm.campaign.lane import LEAST_TO_DECIDE
from isotherm.campaign.model import (
    ALL_PHASES,
    CALLS_INNER,
    CONNECTIONS_OF_FIRE,
    SPEAKS_HTTP,
    Campaign,
    ColdStarts,
    InnerCalls,
    Load,
    LoadPhase,
    Precision,
    Server,
    WarmCalls,
)
from isotherm.campaign.refusals import InvalidCampaign, shown
from isotherm.statistics.fewest import LEAST_A_ROUND

#: Rounds of a campaign that does not say how many, and the samples of a cell that each of them should have; the fewest
#: that are of use.
USUAL_ROUNDS, SAMPLES_OF_ROUND, LEAST_ROUNDS = 10, 3, 5

#: Far more than a campaign has, and far less than what exhausts a stack on the way.
_MOST_LEVELS = 20
_TOO_DEEP = f"campaign: this JSON is nested too deep; a campaign has at most {_MOST_LEVELS} levels"
_MORE_THAN_ONCE = "is given more than once; leave all but one out"


def read_campaign(text: str | bytes, known_regions: Iterable[str] = ()) -> Campaign:
    """A campaign from the JSON text a person wrote; as `parse_campaign`, which also says what is raised."""
    return parse_campaign(read_document(text), known_regions)


def read_document(text: str | bytes) -> object:
    """What the JSON text a person wrote is parsed to.

    Raises
    ------
    InvalidCampaign
        It is not JSON, it is nested too deep, or some object has a field twice, of which one would be ignored.
    """
    try:
        return json.loads(text, object_pairs_hook=_object)
    except RecursionError:
        raise InvalidCampaign(_TOO_DEEP) from None
    except ValueError as fault:
        where = (
            f"line {fault.lineno}, column {fault.colno}: {fault.msg}"
            if isinstance(fault, json.JSONDecodeError)
            else fault
        )
        raise InvalidCampaign(f"campaign: this is not JSON ({where})") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        name = next(name for name in fields if sum(other == name for other, _ in pairs) > 1)
        raise InvalidCampaign(f"{name}: {_MORE_THAN_ONCE}")
    return fields


def parse_campaign(document: object, known_regions: Iterable[str] = ()) -> Campaign:
    """A campaign from what its JSON text was parsed to.

    Parameters
    ----------
    document : object
        What the person wrote.
    known_regions : iterable of str
        Names of AWS regions; where given, `regions` may name no other.

    Raises
    ------
    InvalidCampaign
        One line for each fault: the field, its value, what would be accepted.
    """
    if _is_deeper(document, _MOST_LEVELS):
        raise InvalidCampaign(_TOO_DEEP)
    if not isinstance(document, dict):
        raise InvalidCampaign(
            f'campaign: {shown(document)} is not a campaign; give an object such as {{"targets": ["default"]}}'
        )
    # The Step Functions console and most tools write a Comment into JSON documents.
    if "Comment" in document and "comment" in document:
        raise InvalidCampaign(f"comment: {_MORE_THAN_ONCE}")
    fields = {("comment" if name == "Comment" else name): value for name, value in document.items()}
    try:
        campaign = Campaign.model_validate(fields)
    except ValidationError as faults:
        raise InvalidCampaign("\n".join(_fault_lines(faults))) from None
    campaign = _without_cold_starts(campaign)
    _check_inner(campaign)
    if campaign.load is not None:
        return _checked_load(campaign, campaign.load, list(known_regions))
    if not campaign.cold.samples and not campaign.warm.samples:
        raise InvalidCampaign(
            "cold.samples, warm.samples: both are 0, so nothing would be measured; give at least one of them"
        )
    if "rounds" not in campaign.model_fields_set:
        campaign = campaign.model_copy(update={"rounds": rounds_for(campaign)})
    _check_max_rounds(campaign)
    _check_regions(campaign, list(known_regions))
    return campaign


def rounds_for(campaign: Campaign) -> int:
    """How many rounds a campaign has that does not say so: ten where each then has three samples of a cell, or more.

    Of fewer samples five, since an interval over rounds needs as many blocks; of fewer than five, one for each.
    """
    fewest = min(samples for samples in (campaign.cold.samples, campaign.warm.samples) if samples)
    rounds = max(min(USUAL_ROUNDS, fewest // SAMPLES_OF_ROUND), min(LEAST_ROUNDS, fewest))
    return min(rounds, campaign.max_rounds or rounds)


def _is_deeper(document: object, levels: int) -> bool:
    """Whether lists and objects are nested in more levels than these; without recursion, however deep they are."""
    level = [document]
    for _ in range(levels + 1):
        nested = [each for each in level if isinstance(each, (dict, list))]
        if not nested:
            return False
        level = [value for each in nested for value in (each.values() if isinstance(each, dict) else each)]
    return True


def _check_regions(campaign: Campaign, known: list[str]) -> None:
    inner = campaign.inner.regions if campaign.inner else None
    fields = {"regions": campaign.regions, "clients": campaign.clients, "inner.regions": inner}
    faults = [
        f"{field}: {shown(name)} is not an AWS region{_suggestion(name, known)}"
        for field, names in fields.items()
        for name in names or []
        if known and name not in known
    ]
    if faults:
        raise InvalidCampaign("\n".join(faults))


def _without_cold_starts(campaign: Campaign) -> Campaign:
    """The campaign with no cold samples where its calls cannot be made cold; refused where some were asked for."""
    because = campaign.warm_only
    if because is None or not campaign.cold.samples:
        return campaign
    if "cold" in campaign.model_fields_set:
        raise InvalidCampaign(
            f"cold.samples: {campaign.cold.samples} cannot be combined with {because}, whose calls go to functions "
            "as they are deployed; give 0, or leave cold out"
        )
    return campaign.model_copy(update={"cold": ColdStarts(samples=0)})


def _checked_load(campaign: Campaign, load: Load, known_regions: list[str]) -> Campaign:
    """The campaign with no samples beside its load, and with one round unless it asks for more."""
    faults = []
    if campaign.targets != [SPEAKS_HTTP]:
        faults.append(f'targets: {shown(campaign.targets)} cannot be loaded; with load give ["{SPEAKS_HTTP}"] alone')
    if "warm" in campaign.model_fields_set and campaign.warm.samples:
        faults.append(f"warm.samples: {campaign.warm.samples} cannot be combined with load; leave warm out")
    at_once = load.threads if load.loop == "closed" else load.max_in_flight
    if at_once is not None and -(-at_once // load.fires) > CONNECTIONS_OF_FIRE:
        field = "threads" if load.loop == "closed" else "max_in_flight"
        faults.append(
            f"load.{field}: {at_once} are more connections than {load.fires} of the functions that make them can have "
            f"open ({CONNECTIONS_OF_FIRE} each); give at least {-(-at_once // CONNECTIONS_OF_FIRE)} fires"
        )
    foreign = (name for name in ("precision", "max_rounds", "memory_mb") if getattr(campaign, name) is not None)
    faults += [f"{name}: does not go with load; leave it out" for name in foreign]
    if any(phase.name == ALL_PHASES for phase in load.phases):
        faults.append(f'load.phases.name: "{ALL_PHASES}" is the name of the sum of all phases; give another')
    try:
        load.spec(campaign.seed)
    except ValueError as fault:
        faults.append(f"load.{fault}")
    if faults:
        raise InvalidCampaign("\n".join(faults))
    _check_regions(campaign, known_regions)
    none = {"cold": ColdStarts(samples=0), "warm": WarmCalls(samples=0)}
    return campaign.model_copy(update=none if "rounds" in campaign.model_fields_set else {**none, "rounds": 1})


def _check_inner(campaign: Campaign) -> None:
    others = [target for target in campaign.targets if target != CALLS_INNER]
    if campaign.inner is not None and others:
        raise InvalidCampaign(
            f'targets: {", ".join(map(shown, others))} cannot call inner functions; with inner give ["{CALLS_INNER}"] '
            "alone"
        )
    if campaign.inner is None and CALLS_INNER in campaign.targets:
        raise InvalidCampaign(
            f'inner: is missing; the target {CALLS_INNER} needs it: what to call, such as {{"targets": ["inner"]}}'
        )
    speechless = [target for target in campaign.targets if target != SPEAKS_HTTP]
    if campaign.protocols != ["invoke"] and speechless:
        raise InvalidCampaign(
            f"targets: {', '.join(map(shown, speechless))} cannot be called by {' or '.join(campaign.protocols)}; "
            f'with these protocols give ["{SPEAKS_HTTP}"] alone'
        )
    if campaign.memory_mb and campaign.protocols != ["invoke"]:
        raise InvalidCampaign(
            f"memory_mb: {campaign.memory_mb} cannot be set together with protocols {campaign.protocols}: such calls "
            "go to the function as it is deployed; leave memory_mb out"
        )


def _check_max_rounds(campaign: Campaign) -> None:
    if campaign.precision is not None and campaign.max_rounds is None:
        raise InvalidCampaign(
            "max_rounds: is missing; precision needs it: the rounds after which to stop in any case, "
            f"{max(campaign.rounds, LEAST_TO_DECIDE)} or more"
        )
    if campaign.max_rounds is not None and campaign.precision is None:
        raise InvalidCampaign(
            "precision: is missing; max_rounds needs it: how narrow intervals have to be to stop before, such as 0.05"
        )
    if campaign.max_rounds is not None and campaign.max_rounds < campaign.rounds:
        raise InvalidCampaign(
            f"max_rounds: {campaign.max_rounds} is below the {campaign.rounds} rounds that are run in any case (rounds)"
        )
    _check_precision(campaign)


def _check_precision(campaign: Campaign) -> None:
    """Refuse rounds of which it could never be decided whether they are precise enough."""
    if campaign.precision is None:
        return
    faults = []
    if campaign.rounds < LEAST_TO_DECIDE:
        faults.append(
            f"rounds: {campaign.rounds} are too few to decide by that intervals are narrow enough; with precision give "
            f"at least {LEAST_TO_DECIDE}"
        )
    for name, samples in (("cold", campaign.cold.samples), ("warm", campaign.warm.samples)):
        if samples and samples // campaign.rounds < LEAST_A_ROUND:
            faults.append(
                f"{name}.samples: {samples} in {campaign.rounds} rounds are {samples // campaign.rounds} in some of "
                f"them, too few for a median; with precision give at least {LEAST_A_ROUND * campaign.rounds}"
            )
    if faults:
        raise InvalidCampaign("\n".join(faults))


def _suggestion(name: str, known: list[str]) -> str:
    import difflib  # few campaigns are misspelt

    near = sorted(difflib.get_close_matches(name, known, n=3, cutoff=0.75))
    if not near:
        return "; for example us-east-1 or eu-west-1"
    return f"; did you mean {' or '.join([', '.join(near[:-1]), near[-1]] if len(near) > 1 else near)}?"


_ACCEPTED = {
    "name": "letters, digits, - and _, at most 40, beginning with a letter or digit",
    "cold.method": '"burst" or "isolated"',
    "load.loop": '"closed" or "open"',
    "load.arrivals": '"constant" or "poisson"',
    "load.phases.name": "letters, digits, - and _, at most 40, beginning with a letter or digit",
    "server.url": "an address such as https://127.0.0.1:8443",
    "instance.url": "an address such as https://127.0.0.1:8443",
    "precision": 'a share such as 0.05, or {"median": 0.05, "p95": 0.1}',
    "protocols": '"invoke", "http", "server" or "instance"',
}


def _fault_lines(faults: ValidationError) -> list[str]:
    return [_fault_line(fault) for fault in faults.errors()]


def _fault_line(fault: Any) -> str:  # pydantic's ErrorDetails
    """One fault in words: field, value, what is accepted."""
    path = [str(part) for part in fault["loc"] if not isinstance(part, int)]
    field, value, context = ".".join(path), fault["input"], fault.get("ctx", {})
    kind = fault["type"]
    if kind == "value_error":
        return f"{field}: {context['error']}"
    if kind == "missing":
        return f"{field}: is missing; {_wanted(field)}"
    if kind == "extra_forbidden":
        return f"{field}: there is no such field{_field_suggestion(path)}"
    bounds = {
        "greater_than_equal": f"is below the least accepted, {context.get('ge', 0):g}",
        "less_than_equal": f"is above the most accepted, {context.get('le', 0):g}",
        "greater_than": f"is not above {context.get('gt', 0):g}",
        "less_than": f"is not below {context.get('lt', 0):g}",
        "too_short": "is empty; name at least one",
        "string_pattern_mismatch": f"is not accepted; {_wanted(field)}",
        "literal_error": f"is not accepted; {_wanted(field)}",
    }
    return f"{field}: {shown(value)} {bounds.get(kind, f'is not accepted; {_wanted(field, kind)}')}"


def _wanted(field: str, kind: str = "") -> str:
    kinds = {
        "int": "a whole number",
        "float": "a number",
        "bool": "true or false",
        "list": "a list",
        "string": "a text",
    }
    for prefix, words in kinds.items():
        if kind.startswith(prefix):
            return f"give {words}"
    if kind.startswith(("model", "dict")):
        return "give an object"
    return (
        f"give {_ACCEPTED.get(field, 'a list of target names')}"
        if field in _ACCEPTED or field == "targets"
        else "see docs/campaigns.md"
    )


def _field_suggestion(path: list[str]) -> str:
    import difflib  # few campaigns are misspelt

    nested: dict[str, type[BaseModel]] = {
        "cold": ColdStarts,
        "warm": WarmCalls,
        "precision": Precision,
        "inner": InnerCalls,
        "load": Load,
        "phases": LoadPhase,
        "server": Server,
        "instance": Server,
    }
    model: type[BaseModel] = Campaign
    for part in path[:-1]:
        model = nested.get(part, model)
    names = list(model.model_fields)
    near = difflib.get_close_matches(path[-1], names, n=1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(names)}"
