"""Whatever the checkout cites is in the checkout: measuring rules, links and paths of documents, other documents."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[2]
RULES = "docs/measuring.md"

pytestmark = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="which files are the project's, git knows")

#: Others wrote it: what it names is not ours.
RECORD = "tests/unit/platform_log/lambda-latency-by-package-size.md"

#: Documents of other places, and labels of lists that are in them.
ELSEWHERE = re.compile(r"MEASURING|MISSION|STYLE\.md|house\.md|DESIGN\.md|VARIANTS\.md|\.\./shared|[Mm]ission row")
LABEL = re.compile(r"\bM(?:[1-9]|1[0-4])\b")
#: Where such a label may stand for something else: data of others, drawings.
LABELS_OF_THEIR_OWN = (".jsonl", ".svg", ".js", ".css")

_RULE = re.compile(r"^### Rule (\d+): ", re.M)
_CITED = re.compile(r"\brules? (\d+(?:(?:,| and| to)* \d+)*)", re.I)
_NUMBER = re.compile(r"\d+")
#: How a text ends before a citation of docs/measuring.md: with its name, or with a link to it.
_SAYS_WHERE = re.compile(r"measuring\.md\W{0,4}$")
_LINE_BREAK = re.compile(r"\n\s*(?:#:? |//|\*)?\s*")

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FOLDERS = "docs|src|tests|bench|events|functions|server|packaging|statemachines"
_PATH = re.compile(rf"(?<![\w./$-])(?:{_FOLDERS})/[\w./*<>{{}}$-]*")
_HEADING = re.compile(r"^#+ (.+)$", re.M)
_CODE_BLOCK = re.compile(r"^```.*?^```", re.M | re.S)


@cache
def _files() -> list[str]:
    """All files of the checkout that git tracks, or would."""
    # Whoever owns the folder: a machine that builds often runs as somebody else.
    asked = ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.splitlines() if (ROOT / name).is_file()]


@cache
def _there() -> set[str]:
    """Those files, and the folders that they are in."""
    return {*_files(), *(str(folder) for name in _files() for folder in PurePosixPath(name).parents)}


def _texts() -> Iterator[tuple[str, str]]:
    """Name and text of each file that is text, but for this one."""
    for name in _files():
        if (ROOT / name) != Path(__file__):
            try:
                yield name, (ROOT / name).read_text("utf-8")
            except UnicodeDecodeError:
                continue


def _documents() -> Iterator[tuple[str, str]]:
    return ((name, text) for name, text in _texts() if name.endswith(".md") and name != RECORD)


def _rules() -> list[int]:
    return [int(number) for number in _RULE.findall((ROOT / RULES).read_text("utf-8"))]


def _citations(text: str) -> Iterator[tuple[str, list[int], bool]]:
    """Each citation of rules: its words, the numbers, and whether it says in which document they are."""
    flowing = _LINE_BREAK.sub(" ", text)
    for cited in _CITED.finditer(flowing):
        numbers = [int(number) for number in _NUMBER.findall(cited[1])]
        yield cited[0], numbers, _SAYS_WHERE.search(flowing[: cited.start()]) is not None


def _anchors(text: str) -> set[str]:
    """What GitHub calls the headings of a document."""
    headings = _HEADING.findall(_CODE_BLOCK.sub("", text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _is_there(path: str) -> bool:
    """Whether a path, or something that fits it where it is a pattern, is in the checkout."""
    if "*" in path:
        return any(PurePosixPath(name).match(path) for name in _files())
    return path.rstrip("/") in _there()


def test_the_rules_are_numbered_without_a_gap() -> None:
    rules = _rules()

    assert rules == list(range(1, len(rules) + 1))
    assert len(rules) >= 31  # numbers are cited, so none is taken away


def test_every_rule_that_is_cited_is_written_down() -> None:
    rules = set(_rules())
    cited = [(name, words, numbers) for name, text in _texts() for words, numbers, _ in _citations(text)]

    assert any(name.startswith("src/") for name, _, _ in cited)
    assert [(name, words) for name, words, numbers in cited if not rules.issuperset(numbers)] == []


def test_every_citation_of_a_rule_says_where_the_rules_are() -> None:
    cited = [(name, words, says) for name, text in _texts() if name != RULES for words, _, says in _citations(text)]

    assert [(name, words) for name, words, says in cited if not says] == []


def test_every_link_of_a_document_leads_somewhere() -> None:
    broken = []
    for name, text in _documents():
        for link in _LINK.findall(_CODE_BLOCK.sub("", text)):
            if re.match(r"\w+:", link):
                continue
            path, _, anchor = link.partition("#")
            target = (ROOT / name).parent.joinpath(path).resolve() if path else ROOT / name
            in_checkout = target.is_relative_to(ROOT) and str(target.relative_to(ROOT)) in _there()
            if not in_checkout or (anchor and anchor not in _anchors(target.read_text("utf-8"))):
                broken.append((name, link))

    assert broken == []


def test_every_path_that_a_document_names_is_there() -> None:
    named = {(name, path.rstrip(".,")) for name, text in _documents() for path in _PATH.findall(text)}
    # `events/<LogicalId>.json` says itself that it is not a path.
    missing = sorted((name, path) for name, path in named if not re.search(r"[<${]", path) and not _is_there(path))

    assert missing == []


def test_nothing_is_cited_that_the_checkout_does_not_hold() -> None:
    found = []
    for name, text in _texts():
        found += [(name, words) for words in ELSEWHERE.findall(text)]
        if not name.endswith(LABELS_OF_THEIR_OWN):
            found += [(name, words) for words in LABEL.findall(text)]

    assert found == []


def test_each_stay_of_the_walks_is_there_and_none_leads_through_more_than_eight_folders() -> None:
    walks = re.split(
        r"^### ", (ROOT / "docs/architecture.md").read_text("utf-8").partition("## Two walks")[2], flags=re.M
    )
    stays = [re.findall(r"^\d+\. `([^`]+)`, (.*?):", walk, re.M) for walk in walks[1:]]

    assert len(stays) == 2
    assert all(0 < len({PurePosixPath(path).parent for path, _ in walk}) <= 8 for walk in stays)
    for path, functions in (stay for walk in stays for stay in walk):
        defined = _functions(ast.parse((ROOT / path).read_text("utf-8")))
        assert set(re.findall(r"`([\w.]+)`", functions)) <= defined, path
        assert functions


def _functions(tree: ast.Module | ast.ClassDef) -> set[str]:
    """Names of the functions of a module, methods with that of their class."""
    found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef))
    return found | {f"{one.name}.{name}" for one in classes for name in _functions(one)}
