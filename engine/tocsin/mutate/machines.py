"""Mutants for programs: every one of them in JUnit, the scores and the survivors in JSON."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

from tocsin.diagnostics import Diagnostic
from tocsin.mutate.score import Counted, Scores, Tried, advice, change, fate
from tocsin.report import FORMATS, Renderer
from tocsin.report.listing import as_object
from tocsin.report.suite import add_case, junit_text, xml_text

Texts = Mapping[str, str]
SURVIVOR = "mutate/survivor"


def formats(tried: Sequence[Tried], score: Scores, *, enough: bool) -> Mapping[str, Renderer]:
    """What `--format` takes; *enough* says whether the score is high enough."""

    def as_json(findings: Sequence[Diagnostic], _texts: Texts, _manuals: Texts) -> str:
        """One object: the score in percent, in all, by file and by kind; what survived; and the other findings."""
        told = {
            "score": round(score.percent, 2),
            "enough": enough,
            "noticed": score.noticed,
            "total": score.total,
            "files": _counted(score.files),
            "kinds": _counted(score.kinds),
            "survivors": [_survivor(each) for each in tried if not each.noticed],
            "findings": [as_object(finding) for finding in findings if finding.code != SURVIVOR],
        }
        return json.dumps(told, indent=2, ensure_ascii=False) + "\n"

    def as_junit(findings: Sequence[Diagnostic], texts: Texts, _manuals: Texts) -> str:
        """A test case for each mutant, of the class of its objective or alert, and one for each other finding.

        A mutant that a test noticed passes. A survivor fails where the score is too low; else it is skipped, so that
        CI shows it and goes on.
        """
        suite = ET.Element("testsuite", name="tocsin test --mutate")
        properties = ET.SubElement(suite, "properties")
        for name, value in (("score", f"{score.percent:.2f}"), ("noticed", score.noticed), ("total", score.total)):
            ET.SubElement(properties, "property", name=name, value=str(value))
        failures = sum(add_case(suite, finding, texts) for finding in findings if finding.code != SURVIVOR)
        named = Counter[tuple[str, str]]()
        for each in tried:
            mutant = each.mutant
            name = f"{mutant.name}: {change(mutant)}"
            named[mutant.ref, name] += 1
            if (again := named[mutant.ref, name]) > 1:  # CI tells test cases apart by their names
                name += f" ({again})"
            place = {"classname": xml_text(mutant.ref), "name": xml_text(name)}
            place |= {"file": xml_text(mutant.source.path), "line": str(mutant.source.line)}
            case = ET.SubElement(suite, "testcase", place)
            if not each.noticed:
                failures += not enough
                how = ET.SubElement(case, "skipped" if enough else "failure", message=f"survived: {fate(each)}")
                how.text = xml_text(advice(each))
        return junit_text(suite, failures)

    return {**FORMATS, "json": as_json, "junit": as_junit}


def _survivor(tried: Tried) -> dict[str, object]:
    mutant = tried.mutant
    return {
        "path": mutant.source.path,
        "line": mutant.source.line,
        "ref": mutant.ref,
        "rule": mutant.name,
        "kind": mutant.kind,
        "change": mutant.words,
        "where": mutant.where or None,
        "tests": tried.tests,
        "advice": advice(tried),
    }


def _counted(counted: Counted) -> dict[str, dict[str, int]]:
    return {name: {"noticed": noticed, "total": total} for name, (noticed, total) in counted.items()}
