"""Findings as a JUnit test suite."""

import re
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

from tocsin.diagnostics import Diagnostic, Severity
from tocsin.report.plain import paragraph

Texts = Mapping[str, str]

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(findings: Sequence[Diagnostic], texts: Texts, _manuals: Mapping[str, str] | None = None) -> str:
    """One test case per finding, and one that passes per file without an error; only errors are failures."""
    suite = ET.Element("testsuite", name="tocsin check")
    failures = 0
    for path in sorted({*texts, *(finding.span.path for finding in findings)}):
        mine = [finding for finding in findings if finding.span.path == path]
        if all(finding.severity is not Severity.ERROR for finding in mine):
            ET.SubElement(suite, "testcase", classname=_xml(path), name="no errors")
        for finding in mine:
            name = f"{finding.span.line}:{finding.span.column} {finding.code}"
            case = ET.SubElement(suite, "testcase", classname=_xml(path), name=name)
            if finding.severity is Severity.ERROR:
                failures += 1
                failure = ET.SubElement(case, "failure", message=_xml(finding.message), type=finding.code)
                failure.text = _xml(paragraph(finding, texts))
            else:
                ET.SubElement(case, "system-out").text = _xml(paragraph(finding, texts))
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(failures))
    suite.set("errors", "0")
    suites = ET.Element("testsuites", tests=suite.attrib["tests"], failures=str(failures), errors="0")
    suites.append(suite)
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def _xml(value: str) -> str:
    """Text without the characters that XML 1.0 cannot hold at all."""
    return _NOT_XML.sub("\ufffd", value)
