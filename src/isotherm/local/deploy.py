"""Runs `sam deploy` to several regions side by side, on the embedded stack or on AWS, where something has changed.

First the stacks of all regions, then the optional servers beside them (server/template.yaml) where one is asked for.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isotherm.campaign.stack_health import DEFAULT_HOME_REGION, DEFAULT_STACK, WHOLE
from isotherm.local.build import Build, plain_samconfig, sam_environment
from isotherm.local.checkout import Checkout
from isotherm.local.errors import CommandFailed, LocalError, StackGone
from isotherm.local.fingerprint import fingerprint
from isotherm.local.lock import exclusive
from isotherm.local.logged import LoggedRun, logged
from isotherm.local.package import artifacts_bucket, package
from isotherm.local.stack import Stack, check_is_there, enter
from isotherm.local.tools import SAM, Say, Tell, ensure, report_no_state

if TYPE_CHECKING:
    from isotherm.aws.stacks import StackFound

#: How often a region is asked how it stands.
POLL_S = 1.0

#: The parameters that turn the server on and off; the others that are its own begin with "Server".
SERVER_SWITCHES = ("FargateServer", "InstanceServer")

#: What may be given for both templates at once.
_ALSO_OF_SERVER = ("LogRetentionDays",)


@dataclass(frozen=True, slots=True)
class Deployed:
    """Which regions `deploy` changed, which had this build already, and which failed, with the reason.

    `seconds` says how long each took that was not unchanged. `servers` says by region what became of the server
    ("deployed", "unchanged", "removed", "absent") where parameters of it were given. Where it failed, the region did.
    """

    changed: list[str]
    unchanged: list[str]
    failed: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict, compare=False)
    servers: dict[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Do nothing if all went well.

        Raises
        ------
        CommandFailed
            A region failed; the text has the reasons of all that did.
        """
        if self.failed:
            raise CommandFailed("\n".join(self.failed.values()))


def is_of_server(parameter: str) -> bool:
    """Whether a parameter is one of the optional server's own, and none of template.yaml's."""
    return parameter in SERVER_SWITCHES or parameter.startswith("Server")


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
    tell: Tell = report_no_state,
) -> Deployed:
    """Deploy a build to every region named; the home region always comes first in the list and is always part of it.

    One deployment at a time: another one from this checkout is waited for.
    All regions are deployed to side by side. One that fails keeps no other from being deployed to; `Deployed.check`
    raises what failed. Where parameters of the server are given for a region, its stack beside the region's own is
    deployed next, or removed where they turn it off; where none are, it stays as it is.

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
        Further template parameters, the server's too.
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
    StackGone
        The embedded stack ended meanwhile.
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
    given = {region: {**(parameters or {}), **(regional or {}).get(region, {})} for region in wanted}
    if embedded is not None:
        enter(embedded)
    # Two deployments of one stack at once fail both; those of others share the folder for logs and templates.
    with exclusive(checkout.local / "deploy.lock", f"the deployment of stack {stack_name}", say) as lock:
        deployment = _Deployment(checkout, made, embedded, stack_name, lock, say, tell)
        done = deployment.stacks(home_region, given)
        return deployment.servers(done, {region: given[region] for region in wanted if region not in done.failed})


@dataclass(frozen=True, slots=True)
class _Work:
    """One `sam deploy`: how it is told of, of which template to which stack, and what to remember once it is done."""

    shown: str
    what: str
    template: Path
    stack: str
    parameters: Mapping[str, str]
    options: Sequence[str]
    state: str


@dataclass(frozen=True, slots=True)
class _Deployment:
    """What is deployed, where to, under which lock, and who is told."""

    checkout: Checkout
    made: Build
    embedded: Stack | None
    stack: str
    lock: int
    say: Say | None
    tell: Tell

    def stacks(self, home_region: str, given: Mapping[str, Mapping[str, str]]) -> Deployed:
        """Deploy the stack to the regions that do not have it so yet; `given` are the parameters by region."""
        settings = {
            region: {
                "PythonRuntime": self.made.runtime,
                **self._of_both(),
                **{name: value for name, value in parameters.items() if not is_of_server(name)},
            }
            for region, parameters in given.items()
        }
        states = {
            region: f"{self.made.fingerprint} {home_region} {json.dumps(settings[region], sort_keys=True)}"
            for region in settings
        }
        changed = [region for region in settings if not self._has(region, self.stack, states[region])]
        unchanged = [region for region in settings if region not in changed]
        if not changed:
            return Deployed([], unchanged)
        packaged = None
        if self.embedded is not None:
            packaged = package(self.checkout, self.made, self.embedded, home_region, self.say)
        works = {}
        for region in changed:
            template, bucket = self.made.template, ["--resolve-s3"]
            if self.embedded is not None and packaged is not None:
                self.tell(region, "uploading")
                template = packaged.put(region, self.embedded.account_id, self.checkout.local / "packaged")
                bucket = ["--s3-bucket", artifacts_bucket(self.embedded.account_id, region)]
            works[region] = _Work(
                shown=region,
                what=f"sam deploy to {region}",
                template=template,
                stack=self.stack,
                # The home region's stack is told by leaving HomeRegion out (template.yaml, IsHome).
                parameters={**settings[region], **({} if region == home_region else {"HomeRegion": home_region})},
                options=[*bucket, "--s3-prefix", self.stack, "--capabilities", "CAPABILITY_NAMED_IAM"],
                state=states[region],
            )
        failed, seconds = self._carry_out(works)
        return Deployed([region for region in changed if region not in failed], unchanged, failed, seconds)

    def servers(self, done: Deployed, given: Mapping[str, Mapping[str, str]]) -> Deployed:
        """Deploy or remove the server wherever parameters of it are given; `done` are the stacks beside it."""
        works, fates, failed = {}, {}, {}
        for region, parameters in given.items():
            if any(map(is_of_server, parameters)):
                try:
                    todo = self._server(region, parameters)
                except LocalError as problem:
                    failed[region] = str(problem)
                    continue
                fates[region] = "deployed" if isinstance(todo, _Work) else todo
                if isinstance(todo, _Work):
                    works[region] = todo
        failed |= self._carry_out(works)[0]
        return replace(
            done,
            changed=[region for region in done.changed if region not in failed],
            unchanged=[region for region in done.unchanged if region not in failed],
            failed=done.failed
            | {
                region: f"stack {self.stack} is deployed to {region}, but its server is not as asked: {reason}"
                for region, reason in failed.items()
            },
            servers={region: fate for region, fate in fates.items() if region not in failed},
        )

    def _server(self, region: str, parameters: Mapping[str, str]) -> _Work | str:
        """What is to be done about a region's server, or in a word how it is, where nothing more is to be done."""
        from isotherm.aws.clients import client
        from isotherm.aws.stacks import find_stack, server_stack

        stack, template = server_stack(self.stack), self.checkout.server_template
        of_server = {name: value for name, value in parameters.items() if is_of_server(name)}
        found = find_stack(client("cloudformation", region), stack)
        if found is not None and found.server_of != self.stack and found.status != "REVIEW_IN_PROGRESS":
            raise LocalError(f"stack {stack} in {region} is not the server of {self.stack}; it is left as it is")
        if _turn_off(of_server, {} if found is None else found.parameters):
            return "absent" if found is None else self._remove_server(region, found)
        of_both = {name: value for name, value in parameters.items() if name in _ALSO_OF_SERVER}
        settings = {"IsothermStack": self.stack, **self._of_both(), **of_both, **of_server}
        source = fingerprint(self.checkout.root, [template.relative_to(self.checkout.root).as_posix()])
        state = f"{source} {json.dumps(settings, sort_keys=True)}"
        if self._has(region, stack, state):
            return "unchanged"
        return _Work(
            shown=f"{region}, server",
            what=f"sam deploy of the server to {region}",
            template=template,
            stack=stack,
            parameters=settings,
            options=["--capabilities", "CAPABILITY_IAM"],
            state=state,
        )

    def _remove_server(self, region: str, found: StackFound) -> str:
        from isotherm.aws.removal import RemovalFailed, remove_stack
        from isotherm.aws.stacks import server_stack

        shown = f"{region}, server"
        try:
            remove_stack(region, server_stack(self.stack), found, lambda state: self.tell(shown, state))
        except RemovalFailed as problem:
            raise LocalError(f"the server in {region} cannot be removed: {problem}") from problem
        self.tell(shown, "removed", ended=True)
        return "removed"

    def _of_both(self) -> dict[str, str]:
        """Parameters that the stack and its server get alike."""
        endpoint = {"EndpointUrl": self.embedded.endpoint_url} if self.embedded else {}
        return {"Architecture": self.made.architecture, **endpoint}

    def _has(self, region: str, stack: str, state: str) -> bool:
        return _Memory(self.embedded, stack).recall(region) == state and _is_whole(region, stack)

    def _carry_out(self, works: Mapping[str, _Work]) -> tuple[dict[str, str], dict[str, float]]:
        """Do one work for each region, side by side; why those failed that did, and the seconds that each took."""
        failed: dict[str, str] = {}
        seconds: dict[str, float] = {}
        if not works:
            return failed, seconds
        sam = ensure(self.checkout, SAM, self.say)
        onlooker = _Onlooker()
        begun_at = time.monotonic()
        with ExitStack() as running:
            runs = {region: running.enter_context(self._begin(sam, region, work)) for region, work in works.items()}
            while runs:
                for region in [region for region, run in runs.items() if run.ended]:
                    seconds[region] = time.monotonic() - begun_at
                    try:
                        runs.pop(region).wait()
                        _Memory(self.embedded, works[region].stack).keep(region, works[region].state)
                    except CommandFailed as problem:
                        if self.embedded is not None:
                            check_is_there(self.embedded)
                        failed[region] = str(problem)
                    how = "failed" if region in failed else "deployed"
                    self.tell(works[region].shown, f"{how} after {seconds[region]:.0f} s", ended=True)
                for region in runs:
                    self.tell(works[region].shown, onlooker.state(region, works[region].stack))
                time.sleep(POLL_S if runs else 0)
        return failed, seconds

    def _begin(self, sam: Path, region: str, work: _Work) -> AbstractContextManager[LoggedRun]:
        return logged(
            [
                str(sam), "deploy",
                "--template-file", str(work.template),
                "--config-file", str(plain_samconfig(self.checkout)),
                "--stack-name", work.stack,
                "--region", region,
                *work.options,
                "--parameter-overrides", *(f"{name}={value}" for name, value in work.parameters.items()),
                "--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar",
            ],
            log=self.checkout.logs / f"sam-deploy-{'' if work.stack == self.stack else 'server-'}{region}.log",
            what=work.what,
            cwd=self.checkout.root,
            env=sam_environment() | {"AWS_DEFAULT_REGION": region, "AWS_REGION": region},
            lock=self.lock,
        )  # fmt: skip


def _turn_off(given: Mapping[str, str], there: Mapping[str, str]) -> bool:
    """Whether switches are given that leave no server on; one that is not given stays as it is `there`."""
    if not given.keys() & SERVER_SWITCHES:
        return False
    return all({**there, **given}.get(switch, "off") == "off" for switch in SERVER_SWITCHES)


def _is_whole(region: str, stack_name: str) -> bool:
    """Whether what was deployed is still there: it may have been removed since, by whatever means."""
    from isotherm.aws.clients import client
    from isotherm.aws.stacks import find_stack

    found = find_stack(client("cloudformation", region), stack_name)
    return found is not None and found.status in WHOLE


class _Onlooker:
    """Asks CloudFormation how a stack stands that is being deployed; only shown meanwhile, so never insisted on."""

    def __init__(self) -> None:
        self._clients: dict[str, Any] = {}

    def state(self, region: str, stack: str) -> str:
        """In CloudFormation's words, or what sam is doing before and after."""
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        from isotherm.aws.clients import make_client
        from isotherm.aws.stacks import find_stack

        if region not in self._clients:
            once = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5)
            self._clients[region] = make_client("cloudformation", region, once)
        try:
            found = find_stack(self._clients[region], stack)
        except (ClientError, BotoCoreError):  # what is the matter, sam deploy will say
            found = None
        # Before it begins to change anything, sam looks at what is there; a stack from before is not news.
        return found.status if found is not None and found.status.endswith("_IN_PROGRESS") else "sam deploy"


class _Memory:
    """Remembers what an embedded stack was given last; it forgets with the stack. AWS is always asked again."""

    def __init__(self, embedded: Stack | None, stack_name: str) -> None:
        self._folder = None if embedded is None else _deployed(embedded) / stack_name

    def recall(self, region: str) -> str | None:
        """What was deployed to `region` last, if anything."""
        if self._folder is None:
            return None
        try:
            return (self._folder / region).read_text()
        except OSError:
            return None

    def keep(self, region: str, state: str) -> None:
        """Note what has been deployed to `region`."""
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / region).write_text(state)


def _deployed(embedded: Stack) -> Path:
    """The folder with a folder for each stack that was deployed, and in it a file for each of its regions."""
    return Path(embedded.scratch) / "deployed"


def running_campaigns(embedded: Stack) -> list[str]:
    """Ids of the campaigns that run on an embedded stack that this process has entered; none where it does not say."""
    from botocore.exceptions import BotoCoreError, ClientError

    from isotherm.aws import removal
    from isotherm.aws.stacks import find_stacks

    ids = []
    with contextlib.suppress(BotoCoreError, ClientError, StackGone):
        for folder in sorted(_deployed(embedded).glob("*")):
            regions = sorted(path.name for path in folder.iterdir())
            for region, found in find_stacks(regions, folder.name).items():
                ids += removal.running_campaigns(region, found)
    return ids
