"""Damaged definitions through all checks, promtool and every report: findings, never a traceback."""

import json
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from tests.property.test_mutations import FILES, NEIGHBOURS, assert_is_of_use, damaged

from tocsin import report
from tocsin.adapters.promtool import find_promtool
from tocsin.cli.judging import judged
from tocsin.codes import MANUALS
from tocsin.definitions import Definitions, definitions_of
from tocsin.workspace import Source


def definitions(source: tuple[str, str]) -> Definitions:
    """A damaged file with its neighbours, as the command line reads them."""
    name, text = source
    texts = {neighbour: FILES[neighbour] for neighbour in (*NEIGHBOURS, "dashboards.yaml")} | {name: text}
    return definitions_of([Source(path, content) for path, content in texts.items()])


@given(damaged())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_every_check_and_every_report(source: tuple[str, str]) -> None:
    """All checks end, each of their findings has a place in a file, and every format can be read back."""
    read = definitions(source)
    findings = read.findings

    for finding in findings:
        assert_is_of_use(finding, dict(read.texts))
    assert len(json.loads(report.as_json(findings, read.texts))) == len(findings)
    assert len(json.loads(report.sarif(findings, read.texts, MANUALS))["runs"][0]["results"]) == len(findings)
    assert ET.fromstring(report.junit(findings, read.texts)) is not None
    assert report.text(findings, read.texts).count("\n") >= len(findings)
    assert report.github(findings, read.texts).startswith("::") or not findings


@pytest.mark.real
@given(damaged())
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_promtool_judges_everything(source: tuple[str, str]) -> None:
    """What promtool says of what was left stands at places in the files."""
    read = definitions(source)

    for finding in judged(read, find_promtool()):
        assert_is_of_use(finding, dict(read.texts))
