"""Runs `sam deploy` to several regions side by side, on the embedded stack or on AWS, where something has changed."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isotherm.campaign.stack_health import DEFAULT_HOME_REGION, DEFAULT_STACK, WHOLE
from isotherm.local.build import Build, plain_samconfig, sam_environment
from isotherm.local.checkout import Checkout
from isotherm.local.errors import CommandFailed, LocalError
from isotherm.local.logged import LoggedRun, logged
from isotherm.local.package import artifacts_bucket, package
from isotherm.local.stack import Stack, enter
from isotherm.local.tools import SAM, Say, Tell, ensure, tell_nobody

#: How often a region is asked how it stands.
POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class Deployed:
    """Which regions `deploy` changed, which had this build already, and which failed, with the reason.

    `seconds` says how long each took that was not unchanged.
    """

    changed: list[str]
    unchanged: list[str]
    failed: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict, compare=False)

    def check(self) -> None:
        """Do nothing if all went well.

        Raises
        ------
        CommandFailed
            A region failed; the text has the reasons of all that did.
        """
        if self.failed:
            raise CommandFailed("\n".join(self.failed.values()))


def deploy(
    checkout: Checkout,
    made: Build,
    regions: Sequence[str],
    *,
    embedded: Stack | None,
    stack_name: str = DEFAULT_STACK,
    home_region: str = DEFAULT_HOME_REGION,
    parameters: Mapping[str, str] | None = None,
    regional: Mapping[str, Mapping[str, str]] | None = None,
    say: Say | None = None,
    tell: Tell = tell_nobody,
) -> Deployed:
    """Deploy a build to every region named; the home region always comes first in the list and is always part of it.

    All regions are deployed to side by side. One that fails keeps no other from being deployed to; `Deployed.check`
    raises what failed.

    Parameters
    ----------
    checkout : Checkout
        Whose template.
    made : Build
        What to deploy.
    regions : sequence of str
        Where to.
    embedded : Stack or None
        The embedded stack; None deploys to AWS with the caller's own credentials.
    stack_name : str
        Name of the CloudFormation stack in each region.
    home_region : str
        The region with the table, the bucket and the campaign machine.
    parameters : mapping, optional
        Further template parameters.
    regional : mapping, optional
        By region, those that are its alone; they go before `parameters`.
    say : callable, optional
        Told what takes time before the regions are deployed to.
    tell : callable, optional
        Told how each region stands.

    Raises
    ------
    CommandFailed
        What comes before the regions failed.
    LocalError
        More than one region, on an embedded stack that enforces IAM.
    """
    wanted = list(dict.fromkeys([home_region, *regions]))
    if embedded is not None and embedded.enforce_iam and len(wanted) > 1:
        # MiniStack names a role by stack and logical id alone, so regions would replace each other's policies.
        raise LocalError(
            f"regions: an embedded stack that enforces IAM carries one region, not {', '.join(wanted)}; "
            "leave the others out, or start it without --enforce-iam"
        )
    everywhere = {
        "PythonRuntime": made.runtime,
        "Architecture": made.architecture,
        **({"EndpointUrl": embedded.endpoint_url} if embedded else {}),
        **(parameters or {}),
    }
    overrides = {region: {**everywhere, **(regional or {}).get(region, {})} for region in wanted}
    memory = _Memory(embedded, stack_name)
    states = {
        region: f"{made.fingerprint} {home_region} {json.dumps(overrides[region], sort_keys=True)}" for region in wanted
    }
    if embedded is not None:
        enter(embedded)
    unchanged = [
        region for region in wanted if memory.recall(region) == states[region] and _is_whole(region, stack_name)
    ]
    changed = [region for region in wanted if region not in unchanged]
    if not changed:
        return Deployed([], unchanged)
    sam = ensure(checkout, SAM, say)
    templates = dict.fromkeys(changed, made.template)
    if embedded is not None:
        packaged = package(checkout, made, embedded, home_region, say)
        for region in changed:
            tell(region, "uploading")
            templates[region] = packaged.put(region, embedded.account_id, checkout.local / "packaged")

    failed, seconds = {}, {}
    onlooker = _Onlooker(stack_name)
    begun_at = time.monotonic()
    with ExitStack() as running:
        runs = {}
        for region in changed:
            # The home region's stack is told by leaving HomeRegion out (template.yaml, IsHome).
            home = {} if region == home_region else {"HomeRegion": home_region}
            settings = {**overrides[region], **home}
            run = _deploy_region(checkout, sam, templates[region], region, embedded, stack_name, settings)
            runs[region] = running.enter_context(run)
        while runs:
            for region in [region for region, run in runs.items() if run.ended]:
                seconds[region] = time.monotonic() - begun_at
                try:
                    runs.pop(region).wait()
                    memory.keep(region, states[region])
                except CommandFailed as problem:
                    failed[region] = str(problem)
                how = "failed" if region in failed else "deployed"
                tell(region, f"{how} after {seconds[region]:.0f} s", ended=True)
            for region in runs:
                tell(region, onlooker.state(region))
            time.sleep(POLL_S if runs else 0)
    return Deployed([region for region in changed if region not in failed], unchanged, failed, seconds)


def _is_whole(region: str, stack_name: str) -> bool:
    """Whether what was deployed is still there: it may have been removed since, by whatever means."""
    from isotherm.aws.clients import client
    from isotherm.aws.stacks import find_stack

    found = find_stack(client("cloudformation", region), stack_name)
    return found is not None and found.status in WHOLE


class _Onlooker:
    """Asks CloudFormation how a stack stands that is being deployed; only shown meanwhile, so never insisted on."""

    def __init__(self, stack_name: str) -> None:
        self._stack_name = stack_name
        self._clients: dict[str, Any] = {}

    def state(self, region: str) -> str:
        """In CloudFormation's words, or what sam is doing before and after."""
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        from isotherm.aws.clients import make_client
        from isotherm.aws.stacks import find_stack

        if region not in self._clients:
            once = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5)
            self._clients[region] = make_client("cloudformation", region, once)
        try:
            found = find_stack(self._clients[region], self._stack_name)
        except (ClientError, BotoCoreError):  # what is the matter, sam deploy will say
            found = None
        # Before it begins to change anything, sam looks at what is there; a stack from before is not news.
        return found.status if found is not None and found.status.endswith("_IN_PROGRESS") else "sam deploy"


def _deploy_region(
    checkout: Checkout,
    sam: Path,
    template: Path,
    region: str,
    embedded: Stack | None,
    stack_name: str,
    overrides: Mapping[str, str],
) -> AbstractContextManager[LoggedRun]:
    bucket = ["--resolve-s3"] if embedded is None else ["--s3-bucket", artifacts_bucket(embedded.account_id, region)]
    return logged(
        [
            str(sam), "deploy",
            "--template-file", str(template),
            "--config-file", str(plain_samconfig(checkout)),
            "--stack-name", stack_name,
            "--region", region,
            *bucket,
            "--s3-prefix", stack_name,
            "--capabilities", "CAPABILITY_NAMED_IAM",
            "--parameter-overrides", *(f"{key}={value}" for key, value in overrides.items()),
            "--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar",
        ],
        log=checkout.logs / f"sam-deploy-{region}.log",
        what=f"sam deploy to {region}",
        cwd=checkout.root,
        env=sam_environment() | {"AWS_DEFAULT_REGION": region, "AWS_REGION": region},
    )  # fmt: skip


class _Memory:
    """Remembers what an embedded stack was given last; it forgets with the stack. AWS is always asked anew."""

    def __init__(self, embedded: Stack | None, stack_name: str) -> None:
        self._folder = None if embedded is None else Path(embedded.scratch) / "deployed"
        self._stack_name = stack_name

    def recall(self, region: str) -> str | None:
        """What was deployed to `region` last, if anything."""
        if self._folder is None:
            return None
        try:
            return (self._folder / f"{self._stack_name}-{region}").read_text()
        except OSError:
            return None

    def keep(self, region: str, state: str) -> None:
        """Note what has been deployed to `region`."""
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / f"{self._stack_name}-{region}").write_text(state)
