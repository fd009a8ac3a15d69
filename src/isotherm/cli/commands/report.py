"""`isotherm report`: fetch the results of a campaign that has ended and show them."""

from __future__ import annotations

from isotherm.cli.commands.follow import IdArgument
from isotherm.cli.options import DEFAULT_PLACE, HomeOption, JsonOption, OnOption, Place, StackOption
from isotherm.cli.reports import OutputOption


def report(
    campaign_id: IdArgument,
    on: OnOption = DEFAULT_PLACE.on,
    stack: StackOption = DEFAULT_PLACE.stack,
    home: HomeOption = DEFAULT_PLACE.home_region,
    output: OutputOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the results of a campaign that has ended; --json prints its summary.json.

    Of a campaign that was stopped or failed they are made of what it had measured until then, and are partial. What
    lacks lanes or calls, or is partial, ends with exit code 1.

    It also writes report.md, which can be pasted into an issue. A report that was fetched before is shown again even
    where the stack is gone.
    """
    from isotherm.cli.errors import Failed
    from isotherm.cli.reports import check_whole, fetch_or_make, report_folder, show_results, write_markdown
    from isotherm.deployed.campaigns import Fetched, read_summary
    from isotherm.deployed.errors import DeployedError
    from isotherm.local.errors import StackGone
    from isotherm.report import file_names

    fetched = Fetched(report_folder(campaign_id, output))
    try:
        fetched = fetch_or_make(Place(on, stack, home).campaigns(), campaign_id, fetched.folder)
    except (Failed, DeployedError, StackGone):
        # The embedded stack forgets everything when it stops; what was downloaded stays good.
        if not all((fetched.folder / name).is_file() for name in file_names.FETCHED):
            raise
    if as_json:
        print(fetched.summary.read_text(encoding="utf-8"), end="")
    summary = read_summary(fetched)
    if not as_json:
        show_results(fetched, summary)
        write_markdown(fetched, summary)
    check_whole(summary)
