"""No code reads a sentence that was made for people in order to decide something: facts decide, words come last."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCES = Path(__file__).parents[2] / "src" / "isotherm"

#: What takes a text apart, or looks for something in it.
READING = frozenset(
    {
        "startswith", "endswith", "partition", "rpartition", "find", "rfind", "index", "rindex", "split", "rsplit",
        "splitlines", "replace", "removeprefix", "removesuffix", "rstrip",
    }
)  # fmt: skip

#: What a text for people is called, wherever it is kept.
SENTENCES = frozenset(
    {
        "sentence", "sentences", "warning", "warnings", "headline", "reason", "reasons", "cause", "text", "texts",
        "said", "words", "problem", "finding", "findings", "precision", "missing", "late", "note", "notes",
        "imbalances", "title", "heading", "caption", "label", "message",
    }
)  # fmt: skip

#: Texts of these names that are read all the same, by file, and whose they are.
NOT_OURS = {
    ("aws/calls/invoke.py", "message"): "AWS's message of an error",
    ("aws/measured_function.py", "message"): "the same",
    ("campaign/schedule.py", "text"): "a part of the expression that a person typed",
    ("cli/commands/compare.py", "text"): "an option that a person typed",
    ("cli/commands/deploy.py", "text"): "the same",
    ("cli/commands/load.py", "text"): "the same",
    ("cli/commands/trend.py", "text"): "the same",
    ("cli/options.py", "text"): "the same",
    ("cli/commands/parse.py", "text"): "a log",
    ("deployed/campaigns.py", "said"): "the document that a function answered",
    ("load/target.py", "said"): "the document that a function answered",
    ("local/logged.py", "text"): "what a tool printed",
    ("local/package.py", "text"): "a template that SAM wrote",
    ("measurement/probe.py", "text"): "a log",
    ("platform_log/fields.py", "label"): "a field's name in a log",
    ("platform_log/fields.py", "text"): "a log",
    ("platform_log/grammar.py", "label"): "a field's name in a log",
    ("platform_log/grammar.py", "message"): "a log",
    ("platform_log/grammar.py", "text"): "a log",
    ("platform_log/jsonevents.py", "text"): "a log",
    ("platform_log/reader.py", "text"): "a log",
    ("platform_log/wrappers.py", "text"): "a log",
    ("report/markdown.py", "text"): "escaped for Markdown; nothing is decided",
    ("report/page/markup.py", "sentence"): "given no line breaks inside names; nothing is decided",
}

#: Modules that put facts and their sentences together; all others of `analysis` know no words.
ASSEMBLING = {"aggregate", "comparison", "load_comparison", "side_by_side", "trend"}


def _called(node: ast.expr) -> Iterator[str]:
    """Names under which a value is known, through calls such as `.lower()`, `str(...)` and `... or ""`."""
    match node:
        case ast.Name():
            yield node.id
        case ast.Attribute():
            yield node.attr
        case ast.Subscript():
            yield from _called(node.value)
        case ast.BoolOp():
            for value in node.values:
                yield from _called(value)
        case ast.Call(func=ast.Attribute(value=of)):
            yield from _called(of)
        case ast.Call(func=ast.Name()):
            for value in node.args:
                yield from _called(value)


def _is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return all(_is_text(element) for element in node.elts)
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _read(node: ast.AST) -> list[ast.expr]:
    """The values that a piece of code looks into as texts."""
    match node:
        case ast.Call(func=ast.Attribute(attr=method, value=value)) if method in READING:
            return [value]
        case ast.Call(func=ast.Attribute(value=ast.Name(id="re"))):
            return node.args[1:]
        case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[container]):
            return [container, *([node.left] if _is_text(container) else [])]
        case ast.Compare(ops=[ast.Eq() | ast.NotEq()], comparators=[other]) if _is_text(other):
            return [node.left]
    return []


def readings_of(code: str) -> set[str]:
    """Names of sentences that some code reads."""
    return {name for node in ast.walk(ast.parse(code)) for value in _read(node) for name in _called(value)} & SENTENCES


def test_nothing_reads_a_sentence_back() -> None:
    found = {
        (str(path.relative_to(SOURCES)), name)
        for path in SOURCES.rglob("*.py")
        for name in readings_of(path.read_text(encoding="utf-8"))
    }
    assert found == NOT_OURS.keys()


def test_the_ways_in_which_sentences_were_once_read_would_be_found() -> None:
    for code in (
        '(cell.precision or "").startswith("not ")',
        "any(words in warning.lower() for warning in plan.warnings)",
        'found.sentence.partition(" cannot be told: ")[2]',
        'first.findings[0].partition(" does not depend on it")',
        'sentence[:8].rfind(" (")',
        'column.label in ("In words", "Reason", "Value")',
        '"precise" in summary.warnings[0]',
        'heading != "Target"',
        're.search("too few", str(problem))',
    ):
        assert readings_of(code), code
    for code in ('found.verdict == "rises"', "if summary.warnings: pass", "print(sentence)", "[w for w in warnings]"):
        assert not readings_of(code), code


def test_facts_know_no_words() -> None:
    for path in (SOURCES / "analysis").glob("*.py"):
        imported = {
            node.module or ""
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom)
        }
        knows = any(module.startswith("isotherm.analysis.words") for module in imported)
        assert knows == (path.stem in ASSEMBLING), path.name
