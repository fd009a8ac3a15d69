"""Where a package is going to run: which Python, processor and C library. Knows pip's names for them."""

from __future__ import annotations

import platform
from dataclasses import dataclass

from isotherm_build.errors import BuildRefused

# glibc by runtime: Amazon Linux 2 has 2.26, Amazon Linux 2023 has 2.34.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
GLIBC_MINOR = {"python3.11": 26, "python3.12": 34, "python3.13": 34, "python3.14": 34}
NEWEST_RUNTIME = "python3.14"

# Lambda's name of a processor, and the names machines give themselves.
MACHINES = {"x86_64": ("x86_64", "amd64"), "arm64": ("arm64", "aarch64")}
_WHEEL_MACHINE = {"x86_64": "x86_64", "arm64": "aarch64"}
_OLDEST_GLIBC_MINOR = 17

KINDS = ("lambda", "host")


@dataclass(frozen=True, slots=True)
class Platform:
    """A Lambda runtime (`kind` "lambda"), or this machine with a Python of the same version ("host").

    "host" is for the embedded stack, which runs functions with an interpreter of this machine, whatever its system.
    """

    runtime: str
    architecture: str
    kind: str = "lambda"

    def __post_init__(self) -> None:
        for field, value, accepted in (
            ("runtime", self.runtime, GLIBC_MINOR),
            ("architecture", self.architecture, MACHINES),
            ("ISOTHERM_PLATFORM", self.kind, KINDS),
        ):
            if value not in accepted:
                raise BuildRefused(f"{field}: {value!r} is none of {', '.join(accepted)}")
        if self.kind == "host" and platform.machine().lower() not in MACHINES[self.architecture]:
            raise BuildRefused(
                f"architecture: {self.architecture} cannot run on this machine ({platform.machine()}); "
                "ISOTHERM_PLATFORM=lambda builds for Lambda's"
            )

    def __str__(self) -> str:
        place = "Lambda" if self.kind == "lambda" else "this machine"
        return f"{self.runtime} on {place} ({self.architecture})"

    @property
    def slug(self) -> str:
        """A name for files, as in "python3.14-arm64-lambda"."""
        return f"{self.runtime}-{self.architecture}-{self.kind}"

    @property
    def python_version(self) -> str:
        """Major and minor version, as in "3.14"."""
        return self.runtime.removeprefix("python")

    @property
    def is_amazon_linux_2(self) -> bool:
        """Whether the C library is too old for what newer packages are compiled against."""
        return self.kind == "lambda" and GLIBC_MINOR[self.runtime] < 34

    @property
    def pip_arguments(self) -> list[str]:
        """What makes pip choose wheels for this platform rather than for the one it runs on."""
        arguments = ["--only-binary=:all:", "--implementation=cp", f"--python-version={self.python_version}"]
        if self.kind == "host":
            return arguments
        machine = _WHEEL_MACHINE[self.architecture]
        # Newest first: pip prefers them in this order. Each C library runs what was compiled against an older one.
        names = [f"manylinux_2_{minor}" for minor in range(GLIBC_MINOR[self.runtime], _OLDEST_GLIBC_MINOR - 1, -1)]
        return arguments + [f"--platform={name}_{machine}" for name in [*names, "manylinux2014"]]
