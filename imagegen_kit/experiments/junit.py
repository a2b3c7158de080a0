"""Findings as a JUnit file, which every continuous-integration service reads."""

from __future__ import annotations

import xml.etree.ElementTree as ET  # written here, never read
from typing import TYPE_CHECKING

from imagegen_kit.errors import Fault, InvalidInput, printable
from imagegen_kit.experiments.files import writing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from imagegen_kit.experiments.checking import Finding

_TAGS = {"fails": "failure", "unknown": "error", "unclear": "skipped"}


BEGINS = b"<?xml version='1.0' encoding='utf-8'?>\n<testsuites>"  # as it is written below


def check_junit(path: Path) -> None:
    """Raise InvalidInput where ``path`` is there and no JUnit file of ours: only such a one is ever replaced."""
    with writing("junit", path):
        if not path.exists() or (path.is_file() and path.read_bytes()[: len(BEGINS)] == BEGINS):
            return
    what = f"{path.name!r:.80} is there and no JUnit file that `imagegen check` wrote."
    raise InvalidInput([Fault("--junit", what, "Name another file, or remove it.")])


def write_junit(path: Path, name: str, findings: Sequence[Finding], *, strict: bool) -> Path:
    """Write one test case for each finding and return the path. Raises InvalidInput where it cannot be written, and
    for another file that is there.

    What is unclear is skipped, or failed where ``strict``.
    """
    outcomes = ["fails" if f.outcome == "unclear" and strict else f.outcome for f in findings]
    counts = {tag: sum(_TAGS.get(outcome) == tag for outcome in outcomes) for tag in _TAGS.values()}
    suite = ET.Element(
        "testsuite",
        name=printable(name),
        tests=str(len(findings)),
        failures=str(counts["failure"]),
        errors=str(counts["error"]),
        skipped=str(counts["skipped"]),
    )
    for finding, outcome in zip(findings, outcomes, strict=True):
        case = ET.SubElement(suite, "testcase", classname=printable(name), name=printable(finding.title))
        if tag := _TAGS.get(outcome):
            ET.SubElement(case, tag, message=printable(finding.words))
        ET.SubElement(case, "system-out").text = printable(finding.words)
    root = ET.Element("testsuites")
    root.append(suite)
    check_junit(path)
    with writing("junit", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    return path
