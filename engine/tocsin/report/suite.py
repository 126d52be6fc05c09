"""Findings as a JUnit test suite."""

import re
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

from tocsin.diagnostics import Diagnostic, Severity
from tocsin.report.plain import paragraph

Texts = Mapping[str, str]

_NOT_XML = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
"""Compiled where it is used, which is seldom: that takes as long as a dozen other patterns."""


def junit(findings: Sequence[Diagnostic], texts: Texts, _manuals: Mapping[str, str] | None = None) -> str:
    """One test case per finding, and one that passes per file without an error; only errors are failures."""
    suite = ET.Element("testsuite", name="tocsin")
    failures = 0
    for path in sorted({*texts, *(finding.span.path for finding in findings)}):
        mine = [finding for finding in findings if finding.span.path == path]
        if all(finding.severity is not Severity.ERROR for finding in mine):
            ET.SubElement(suite, "testcase", classname=xml_text(path), name="no errors")
        failures += sum(add_case(suite, finding, texts) for finding in mine)
    return junit_text(suite, failures)


def add_case(suite: ET.Element, finding: Diagnostic, texts: Texts) -> bool:
    """Add a finding to a suite; whether it is a failure."""
    name = f"{finding.span.line}:{finding.span.column} {finding.code}"
    case = ET.SubElement(suite, "testcase", classname=xml_text(finding.span.path), name=name)
    failed = finding.severity is Severity.ERROR
    if failed:
        told = ET.SubElement(case, "failure", message=xml_text(finding.message), type=finding.code)
    else:
        told = ET.SubElement(case, "system-out")
    told.text = xml_text(paragraph(finding, texts))
    return failed


def junit_text(suite: ET.Element, failures: int) -> str:
    """A file of one *suite* of test cases, *failures* of which failed."""
    cases, skipped = str(len(suite.findall("testcase"))), len(suite.findall("testcase/skipped"))
    suite.set("tests", cases)
    suite.set("failures", str(failures))
    suite.set("errors", "0")
    if skipped:
        suite.set("skipped", str(skipped))
    suites = ET.Element("testsuites", tests=cases, failures=str(failures), errors="0")
    suites.append(suite)
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def xml_text(value: str) -> str:
    """Text without the characters that XML 1.0 cannot hold at all."""
    return re.sub(_NOT_XML, "\ufffd", value)
