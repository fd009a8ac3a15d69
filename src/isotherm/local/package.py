"""Runs `sam package` once for a build and keeps the archives, so that no later deployment has to zip anything again.

Zipping the packages takes longer than all the rest of a deployment, and the embedded stack forgets what was uploaded
when it stops. On AWS `sam deploy` does this itself, and finds what it uploaded before.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isotherm.local.build import Build, plain_samconfig, sam_environment
from isotherm.local.checkout import Checkout
from isotherm.local.errors import CommandFailed, LocalError
from isotherm.local.lock import exclusive
from isotherm.local.logged import run_logged
from isotherm.local.stack import Stack, check_is_there
from isotherm.local.tools import SAM, Say, ensure
from isotherm.local.writing import written

_PREFIX = "isotherm"


@dataclass(frozen=True, slots=True)
class Package:
    """A template whose code lies in a bucket, and the objects of that bucket as files."""

    template: Path
    archives: Path
    bucket: str

    def put(self, region: str, account_id: str, into: Path) -> Path:
        """Upload the archives to a region's bucket, and write the template that refers to them there.

        Lambda takes code from a bucket of its own region only, and so does the embedded stack.

        Parameters
        ----------
        region : str
            Which region.
        account_id : str
            The account, as part of the bucket's name.
        into : Path
            Folder for the template.

        Returns
        -------
        Path
            The template.
        """
        bucket = artifacts_bucket(account_id, region)
        storage = open_bucket(bucket, region)
        present = set(_keys(storage, bucket))
        for archive in self.archives.iterdir():
            key = f"{_PREFIX}/{archive.name}"
            if key not in present:
                storage.put_object(Bucket=bucket, Key=key, Body=archive.read_bytes())
        into.mkdir(parents=True, exist_ok=True)
        template = into / f"packaged-{region}.yaml"
        template.write_text(self.template.read_text().replace(self.bucket, bucket))
        return template


def package(checkout: Checkout, made: Build, embedded: Stack, home_region: str, say: Say | None = None) -> Package:
    """Run `sam package` for a build, unless it was done before.

    Raises
    ------
    CommandFailed
        `sam package` failed; the text has its last lines.
    StackGone
        The embedded stack ended meanwhile.
    LocalError
        Another command has built other sources since.
    """
    bucket = artifacts_bucket(embedded.account_id, home_region)
    folder = checkout.builds / "packages" / f"{made.fingerprint[:16]}-{home_region}"
    # A folder of this name is complete and never changed again: others may be reading it.
    packaged = Package(folder / "template.yaml", folder / "archives", bucket)
    with exclusive(made.lock, "sam package", say) as lock:
        if folder.is_dir():
            os.utime(folder)
            return packaged
        if not made.is_current():
            raise LocalError("the sources were built again meanwhile (by another command); run the command again")
        if say is not None:
            say("sam package")
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        (partial / "archives").mkdir(parents=True)
        storage = open_bucket(bucket, home_region)
        try:
            run_logged(
                [
                    str(ensure(checkout, SAM)), "package",
                    "--template-file", str(made.template),
                    "--config-file", str(plain_samconfig(checkout)),
                    "--region", home_region,
                    "--s3-bucket", bucket,
                    "--s3-prefix", _PREFIX,
                    "--output-template-file", str(partial / "template.yaml"),
                    "--no-progressbar",
                ],
                log=checkout.logs / "sam-package.log",
                what="sam package",
                cwd=checkout.root,
                env=sam_environment(),
                lock=lock,
            )  # fmt: skip
        except CommandFailed:
            check_is_there(embedded)
            raise
        text = (partial / "template.yaml").read_text()
        for key in _keys(storage, bucket):
            name = key.rpartition("/")[2]
            if name in text:  # others are left from earlier builds
                body = storage.get_object(Bucket=bucket, Key=key)["Body"].read()
                with written(partial / "archives" / name):
                    (partial / "archives" / name).write_bytes(body)
        partial.rename(folder)
        _forget_all_but_newest(folder.parent)
    return packaged


def _forget_all_but_newest(packages: Path, kept: int = 3) -> None:
    newest_first = sorted(packages.iterdir(), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in newest_first[kept:]:
        shutil.rmtree(folder)


def artifacts_bucket(account_id: str, region: str) -> str:
    """Name of the bucket for what is uploaded to a region of the embedded stack."""
    return f"isotherm-artifacts-{account_id}-{region}"


def open_bucket(name: str, region: str) -> Any:
    """A client for a bucket, which is made if it is not there."""
    from isotherm.aws.clients import client

    storage = client("s3", region)
    if name not in {bucket["Name"] for bucket in storage.list_buckets().get("Buckets", [])}:
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        storage.create_bucket(Bucket=name, **where)
    return storage


def _keys(storage: Any, bucket: str) -> list[str]:
    pages = storage.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{_PREFIX}/")
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]
