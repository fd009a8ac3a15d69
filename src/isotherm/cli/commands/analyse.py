"""`isotherm analyse`: summary, tables and page from samples alone, ours or anybody's with the same columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from isotherm.campaign.lane import Platform
from isotherm.cli.options import JsonOption

if TYPE_CHECKING:
    from rich.console import RenderableType

    from isotherm.analysis.raw_samples import RawSamples
    from isotherm.analysis.summary import CampaignSummary
    from isotherm.analysis.verification import Differing


#: Differing fields that are shown on a terminal; --json has all of them.
SHOWN = 50

SamplesArgument = Annotated[
    str,
    typer.Argument(
        metavar="SAMPLES",
        help="A file of samples (CSV, also gzipped, JSON lines, Parquet), - for standard input, or a report's folder.",
    ),
]
BaselineOption = Annotated[
    str | None,
    typer.Option("--baseline", metavar="TARGET", help="Compare with this target (else the first, or the campaign's)."),
]
PlatformOption = Annotated[
    Platform | None,
    typer.Option("--platform", help="Where it was measured, if the file does not say (column emulated)."),
]
FolderOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FOLDER", help="Folder for summary.json, page, report.md and samples."),
]
VerifyOption = Annotated[
    bool,
    typer.Option("--verify", help="Compute a report's folder again; exit code 1 where its summary.json differs."),
]


def analyse(
    samples: SamplesArgument,
    baseline: BaselineOption = None,
    platform: PlatformOption = None,
    output: FolderOption = None,
    verify: VerifyOption = False,
    as_json: JsonOption = False,
) -> None:
    """Say what samples say, from the samples alone: the same statistics as of a campaign that was run.

    Needed are the columns target, region, memory_mb, kind, round and verdict, and at least one measured time, named as
    isotherm export names them. Of a report's folder what was planned is read as well; --verify holds its summary.json
    against one that is computed again.
    """
    from isotherm.cli.console import remarks, results
    from isotherm.cli.errors import BadInput

    if verify:
        if baseline or platform or output:
            raise BadInput("--verify: the campaign is computed as it was published; leave out the other options")
        _verify(samples, as_json=as_json)
        return
    source = _source(samples)
    if output is not None and source.folder is not None and output.resolve() == source.folder.resolve():
        raise BadInput(f"--output: {output} is the folder that is read; name another one")
    with remarks().status("reading and computing"):
        raw = _read(source)
        summary = _summary(source, raw, baseline, platform)
        if output is not None:
            _write(summary, raw, output)
    for remark in _remarks(summary, raw):
        remarks().print(remark, markup=False, soft_wrap=True)
    if as_json:
        print(summary.model_dump_json(indent=2))
        return
    from isotherm.report.terminal.campaign import campaign_tables

    results().print(campaign_tables(summary))
    if output is not None:
        from isotherm.cli.reports import shown_path
        from isotherm.report.file_names import PAGE

        remarks().print(f"page: {shown_path(output / PAGE)}", markup=False, soft_wrap=True)


class _Source(NamedTuple):
    """Where samples are: a file (None: standard input), and the folder of the report that it belongs to."""

    name: str
    file: Path | None
    folder: Path | None


def _source(what: str) -> _Source:
    from isotherm.cli.errors import BadInput
    from isotherm.report.file_names import SAMPLES

    if what == "-":
        return _Source("samples", None, None)
    path = Path(what)
    if path.is_dir():
        names = (SAMPLES, "samples.csv", "samples.jsonl", "samples.parquet")
        there = [path / name for name in names if (path / name).is_file()]
        if not there:
            raise BadInput(f"SAMPLES: {what} has none of {', '.join(names)}")
        return _Source(path.resolve().name, there[0], path)
    if not path.exists():
        raise BadInput(f"SAMPLES: there is no file or folder {what}")
    return _Source(path.name.partition(".")[0] or path.name, path, None)


def _read(source: _Source) -> RawSamples:
    import sys

    from isotherm.analysis.raw_samples import BadSamples, check_columns, read_samples
    from isotherm.cli.errors import BadInput
    from isotherm.report.files.sample_files import BadFile, NoParquet, rows_of

    try:
        if source.file is None:
            return read_samples(rows_of(sys.stdin.buffer, check_columns))
        with source.file.open("rb") as file:
            return read_samples(rows_of(file, check_columns))
    except (BadSamples, BadFile, NoParquet) as problem:
        raise BadInput(f"SAMPLES: {source.file or 'standard input'}: {problem}") from None
    except OSError as problem:
        reason = problem.strerror or problem
        raise BadInput(f"SAMPLES: {source.file or 'standard input'} cannot be read: {reason}") from None


def _summary(source: _Source, raw: RawSamples, baseline: str | None, platform: Platform | None) -> CampaignSummary:
    from dataclasses import replace

    from isotherm import __version__
    from isotherm.analysis.accounting import distinct
    from isotherm.analysis.aggregate import summary_of
    from isotherm.analysis.design import observed_design, published_design, with_baseline
    from isotherm.analysis.raw_samples import BadSamples
    from isotherm.cli.errors import BadInput
    from isotherm.cli.reports import read_summary_file
    from isotherm.report.file_names import SUMMARY

    published = read_summary_file(source.folder / SUMMARY, "SAMPLES") if source.folder else None
    kept, repeats = distinct(raw.samples)
    if published is not None:
        if platform is not None and platform != published.platform:
            raise BadInput(f"--platform: {platform} is not what {SUMMARY} says, which is {published.platform}")
        design = replace(published_design(published, kept), version=__version__)
    else:
        try:
            measured_on = raw.platform(platform)
        except BadSamples as problem:
            raise BadInput(f"SAMPLES: {problem}") from None
        design = observed_design(raw.samples, name=source.name, version=__version__, platform=measured_on)
    if baseline is not None:
        if baseline not in design.targets:
            raise BadInput(f'--baseline: "{baseline}" is not among the targets: {", ".join(design.targets)}')
        design = with_baseline(design, baseline)
    return summary_of(design, kept, repeats, loads=published.loads if published else ())


def _write(summary: CampaignSummary, raw: RawSamples, folder: Path) -> None:
    from isotherm.report.file_names import MARKDOWN, PAGE, SAMPLES, SUMMARY
    from isotherm.report.files.samples_csv import write_csv
    from isotherm.report.markdown import render_markdown
    from isotherm.report.page.page import render_page

    folder.mkdir(parents=True, exist_ok=True)
    (folder / SUMMARY).write_text(summary.model_dump_json(indent=2) + "\n", encoding="utf-8")
    (folder / SAMPLES).write_bytes(write_csv(raw.samples))
    (folder / PAGE).write_text(render_page(summary, raw.samples), encoding="utf-8")
    (folder / MARKDOWN).write_text(render_markdown(summary), encoding="utf-8")


def _remarks(summary: CampaignSummary, raw: RawSamples) -> list[str]:
    found = []
    if raw.unknown:
        found.append(f"columns that are not read: {', '.join(raw.unknown)}")
    if summary.platform == "unknown":
        found.append("where it was measured is not known: --platform aws or --platform emulated says so")
    return found


def _verify(what: str, *, as_json: bool) -> None:
    import json

    from isotherm.analysis.verification import verify
    from isotherm.cli.console import remarks, results
    from isotherm.cli.errors import BadInput, Failed
    from isotherm.cli.reports import read_summary_file
    from isotherm.numbers import count
    from isotherm.report.file_names import SUMMARY

    source = _source(what)
    summary = read_summary_file(source.folder / SUMMARY, "SAMPLES") if source.folder else None
    if source.folder is None or summary is None:
        raise BadInput(f"--verify: {what} is not a report's folder with its {SUMMARY}")
    with remarks().status("computing again"):
        found = verify(json.loads((source.folder / SUMMARY).read_bytes()), summary, _read(source).samples)
    if as_json:
        document = {
            "equal": not found.differing,
            "published_by": found.published_by,
            "new_fields": found.new_fields,
            "differing": [entry.model_dump() for entry in found.differing],
        }
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        results().print(_differences(found.differing))
    if found.of_other_statistics:
        remarks().print(
            f"{what} was published by an earlier version with other statistics: it lacks {', '.join(found.new_fields)}",
            markup=False,
            soft_wrap=True,
        )
    if found.differing:
        absent = sum(entry.absent is not None for entry in found.differing)
        values = count(len(found.differing) - absent, "other value")
        lacking = count(absent, "field")
        raise Failed(f"{what}: {values} than in {SUMMARY}, and {lacking} that only one of the two has")


def _differences(differing: Sequence[Differing]) -> RenderableType:
    """A table of what differs, or that nothing does."""
    import json

    from rich.console import Group
    from rich.text import Text

    from isotherm.numbers import count
    from isotherm.report.terminal.frame import framed

    if not differing:
        return Text("The summary computed again is the same as the published one.")
    table = framed("Fields that differ")
    for heading in ("Field", "Published", "Computed again"):
        table.add_column(heading, overflow="fold")
    for entry in differing[:SHOWN]:
        sides = {"published": entry.published, "recomputed": entry.recomputed}
        texts = [
            "(no such field)" if entry.absent == side else json.dumps(value, ensure_ascii=False)
            for side, value in sides.items()
        ]
        table.add_row(*map(Text, (entry.path, *texts)))
    left = len(differing) - SHOWN
    return Group(table, Text(f"and {count(left, 'more field')} (--json has all)")) if left > 0 else table
