"""Options that several commands share: where they work, which regions, which server, which event."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from isotherm.campaign.stack_health import DEFAULT_HOME_REGION, DEFAULT_STACK, ON_RECORD, code_of
from isotherm.cli.errors import BadInput, Failed

if TYPE_CHECKING:
    from isotherm.deployed.campaigns import Campaigns
    from isotherm.deployed.deployment import Deployment


class On(StrEnum):
    """The two places; AWS is never chosen unless it is asked for."""

    LOCAL = "local"
    AWS = "aws"


OnOption = Annotated[
    On,
    typer.Option(
        "--on",
        envvar="ISOTHERM_ON",
        help="Where: the embedded stack of this checkout (isotherm local up), or AWS with your own credentials.",
    ),
]
StackOption = Annotated[str, typer.Option("--stack", envvar="ISOTHERM_STACK", help="Name of the CloudFormation stack.")]
HomeOption = Annotated[
    str,
    typer.Option(
        "--home",
        envvar="ISOTHERM_HOME_REGION",
        help="Home region: table, bucket, campaign machine.",
        callback=code_of,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, for programs.")]


@dataclass(frozen=True, slots=True)
class Place:
    """A stack somewhere, as a command's options name it."""

    on: On
    stack: str
    home_region: str

    @property
    def options(self) -> str:
        """The options that lead to this place again, to be shown in a command; empty for the defaults."""
        usual = DEFAULT_PLACE
        shown = [f"--on {self.on.value}"] if self.on is not usual.on else []
        shown += [f"--stack {self.stack}"] if self.stack != usual.stack else []
        shown += [f"--home {self.home_region}"] if self.home_region != usual.home_region else []
        return "".join(f" {option}" for option in shown)

    def enter(self) -> None:
        """Make this process's AWS calls go there.

        Raises
        ------
        Failed
            The embedded stack is meant, and is not up.
        """
        if self.on is On.AWS:
            return
        from isotherm.local import stack
        from isotherm.local.checkout import find_checkout

        running = stack.status(find_checkout())
        if running is None:
            raise Failed(
                "the embedded stack is not up: `isotherm local up` and `isotherm deploy` first, or add --on aws"
            )
        stack.enter(running)

    def deployment(self) -> Deployment:
        """Go there, and find what is deployed.

        Raises
        ------
        Failed
            The stack is not there, or the embedded stack is not up.
        """
        from isotherm.deployed.deployment import find_deployment
        from isotherm.deployed.errors import NotDeployed

        self.enter()
        try:
            return find_deployment(self.stack, self.home_region)
        except NotDeployed as problem:
            raise Failed(f"{problem}; first: isotherm deploy{self.options}") from problem

    def campaigns(self) -> Campaigns:
        """Go there, and find the stack's campaigns.

        Raises
        ------
        Failed
            The stack is not there, or the embedded stack is not up.
        """
        from isotherm.deployed.campaigns import Campaigns

        return Campaigns(self.deployment())


#: Where a command works unless it is told otherwise.
DEFAULT_PLACE = Place(On.LOCAL, DEFAULT_STACK, DEFAULT_HOME_REGION)


ServerOption = Annotated[
    str | None,
    typer.Option(
        "--server", metavar="URL", help="Call this HTTPS server as well (a campaign of the target customers)."
    ),
]
InstanceOption = Annotated[
    str | None,
    typer.Option(
        "--instance", metavar="URL", help="Call this HTTPS server as well, as the one on EC2 beside that of --server."
    ),
]
ServerCertificateOption = Annotated[
    Path | None,
    typer.Option("--server-certificate", metavar="FILE", help="Certificate (PEM) to trust instead of the public ones."),
]
OwnOption = Annotated[
    str | None,
    typer.Option(
        "--i-own-this-endpoint", metavar="URL", help="Needed for a server that is neither the stack's own nor loopback."
    ),
]


def with_servers(
    document: dict[str, Any],
    urls: Mapping[str, str | None],
    certificate: Path | None,
    own: str | None,
) -> dict[str, Any]:
    """The campaign with the servers that the options name; the same where they name none.

    One certificate is trusted for all that are named.

    Raises
    ------
    BadInput
        The certificate cannot be read, or is given without a server.
    """
    if own is not None:
        document = {**document, "i_own_this_endpoint": own}
    named = {protocol: url for protocol, url in urls.items() if url is not None}
    if not named:
        if certificate is not None:
            raise BadInput("--server-certificate: goes with --server, which is missing")
        return document
    trusted: dict[str, str] = {}
    if certificate is not None:
        try:
            trusted["certificate"] = certificate.read_text(encoding="ascii")
        except OSError as problem:
            raise BadInput(f"--server-certificate: {certificate} cannot be read: {problem.strerror}") from problem
        except UnicodeDecodeError:
            raise BadInput(f"--server-certificate: {certificate} is not PEM text") from None
        if "PRIVATE KEY" in trusted["certificate"]:
            raise BadInput(f"--server-certificate: {certificate} holds a private key; give the certificate alone")
        if "BEGIN CERTIFICATE" not in trusted["certificate"]:
            raise BadInput(f"--server-certificate: {certificate} is not PEM text of a certificate")
    protocols = document.get("protocols", ["invoke"])
    if isinstance(protocols, list):
        protocols = list(dict.fromkeys([*protocols, *named]))
    servers = {protocol: {"url": url, **trusted} for protocol, url in named.items()}
    return {**document, **servers, "protocols": protocols}


RegionsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[REGION]...", help="Regions: codes, or samconfig.toml's names (tokyo, london ...)."),
]
RegionsOption = Annotated[
    list[str] | None,
    typer.Option("--regions", "--region", metavar="REGION[,REGION]...", help="The same, separated by commas."),
]


def read_regions(*lists: Iterable[str] | None) -> list[str]:
    """Codes of all regions that are named, once each, in the order in which they are named.

    Raises
    ------
    BadInput, InvalidCampaign
        There is no such region; the text says which may have been meant.
    """
    words = [word for texts in lists for text in texts or [] for word in text.replace(",", " ").split()]
    regions = list(dict.fromkeys(code_of(word) for word in words))
    if not regions:
        return []
    from isotherm.aws.clients import lambda_regions
    from isotherm.campaign.parsing import parse_campaign

    known = lambda_regions()
    for word in regions:
        near = difflib.get_close_matches(word.lower(), ON_RECORD, n=1)
        if word not in known and near:
            raise BadInput(f'regions: "{word}" is not an AWS region; did you mean {near[0]} ({ON_RECORD[near[0]]})?')
    # The same check, and so the same words, as for a campaign's regions.
    parse_campaign({"targets": ["default"], "regions": regions}, known_regions=known)
    return regions


EventArgument = Annotated[
    str,
    typer.Argument(metavar="EVENT", help="File with the campaign as JSON (see events/campaign-*.json); - reads it."),
]


def read_event(source: str, complete: Callable[[dict[str, Any]], dict[str, Any]] | None = None) -> dict[str, Any]:
    """The campaign in a file or on standard input, as the person wrote it, once it is known to be one.

    `complete` adds to it what options say.

    Raises
    ------
    BadInput
        It cannot be read.
    InvalidCampaign
        It is not JSON, or not a campaign.
    """
    from isotherm.aws.clients import lambda_regions
    from isotherm.campaign.parsing import parse_campaign, read_document

    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except OSError as problem:
        raise BadInput(f"EVENT: {source} cannot be read: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise BadInput(f"EVENT: {source} is not UTF-8 text (byte {problem.start})") from problem
    document = read_document(text)
    if complete is not None and isinstance(document, dict) and document:
        document = complete(document)
    parse_campaign(document, lambda_regions())
    return cast("dict[str, Any]", document)
