"""Where the project's files are, and where what is made from them is kept. Reads nothing but the presence of files."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from isotherm.local.errors import NoCheckout

ENVIRONMENT_VARIABLE = "ISOTHERM_CHECKOUT"
LOCAL_VARIABLE = "ISOTHERM_LOCAL"
DEFAULT_LOCAL = "local"

# Folders of `.isotherm` that hold something else.
_TAKEN = ("build", "engine", "reports", "sam", "tools")


@dataclass(frozen=True, slots=True)
class Checkout:
    """A folder that holds the project: `template.yaml` and what it deploys.

    Everything made on this machine goes under `.isotherm/` in it, so two checkouts side by side share nothing.
    `local_name` tells apart the embedded stacks of one checkout, where there are several (the tests have their own).
    """

    root: Path
    local_name: str = DEFAULT_LOCAL

    @property
    def made(self) -> Path:
        """The folder for all that is made here and may be deleted at any time."""
        return self.root / ".isotherm"

    @property
    def tools(self) -> Path:
        """Environments of the tools (MiniStack, SAM CLI)."""
        return self.made / "tools"

    @property
    def local(self) -> Path:
        """State, log and scratch folder of the embedded stack."""
        return self.made / self.local_name

    @property
    def builds(self) -> Path:
        """What `sam build` made, by runtime and architecture."""
        return self.made / "sam"

    @property
    def logs(self) -> Path:
        """Output of `sam build` and `sam deploy`."""
        return self.local / "logs"

    @property
    def reports(self) -> Path:
        """Downloaded results, one folder per campaign."""
        return self.made / "reports"

    @property
    def template(self) -> Path:
        """The SAM template."""
        return self.root / "template.yaml"

    @property
    def server_template(self) -> Path:
        """The template of the optional server, which is a stack of its own."""
        return self.root / "server" / "template.yaml"


def is_checkout(folder: Path) -> bool:
    """Whether `folder` holds the project."""
    return (folder / "template.yaml").is_file() and (folder / "statemachines").is_dir()


def find_checkout(start: Path | None = None) -> Checkout:
    """Find the checkout a command works on.

    In order: `ISOTHERM_CHECKOUT`, the working folder and those above it, and the checkout this package was installed
    from with `pip install -e`. `ISOTHERM_LOCAL` names the embedded stack to use in it, where it is not the usual one.

    Parameters
    ----------
    start : Path, optional
        Where to begin looking; the working folder by default.

    Raises
    ------
    NoCheckout
        None of these holds the project, or a variable cannot be what it says.
    """
    local_name = os.environ.get(LOCAL_VARIABLE) or DEFAULT_LOCAL
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", local_name) or local_name in _TAKEN:
        raise NoCheckout(
            f"{LOCAL_VARIABLE}: {local_name!r} is not a name for a stack: small letters, digits and -, "
            f"and none of {', '.join(_TAKEN)}"
        )
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    if named:
        folder = Path(named).expanduser().resolve()
        if not is_checkout(folder):
            raise NoCheckout(f"{ENVIRONMENT_VARIABLE}: {folder} holds no template.yaml and statemachines/")
        return Checkout(folder, local_name)
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents, Path(__file__).resolve().parents[3]):
        if is_checkout(folder):
            return Checkout(folder, local_name)
    raise NoCheckout(f"no Isotherm checkout in {here} or above it: go to one, or set {ENVIRONMENT_VARIABLE}")
