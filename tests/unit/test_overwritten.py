"""Labels of rows that the labels of their alert take the place of: every row meets its own alert, or all are one."""

from pathlib import Path

import pytest
from tests.oracle import ask, firing, groups_of

from tocsin.cli.main import run

SWING = {'depth{service="a"}': "0x1 150x3 80x3 10x9", 'depth{service="b"}': "80x20"}
"""a crosses 100 at minute 2, is between the bounds from 6 and clears at 10; b stays between the bounds."""
HELD = "alerts: {{A: {{value: {value}, above: 100, clear_below: 60, severity: warning{more}}}}}"


def minutes(value: str, more: str, series: dict[str, str], label: str) -> dict[str, list[int]]:
    """The minutes at which Prometheus has the alert firing, by *label* of the alert."""
    rows = ask(groups_of(HELD.format(value=value, more=more)), series, [(firing("A"), 60 * n) for n in range(15)])
    found: dict[str, list[int]] = {}
    for minute, alerts in enumerate(rows):
        for labels in alerts:
            found.setdefault(dict(labels).get(label, ""), []).append(minute)
    return found


@pytest.mark.real
@pytest.mark.parametrize(
    ("labels", "of", "expected"),
    [
        ("{svc: '{{ $labels.service }}'}", "svc", "a"),
        ("{svc: 'of {{ $labels.service }}.'}", "svc", "of a."),
        ("{service: '{{ $labels.service }}'}", "service", "a"),
        ("{service: 'x-{{$labels.service}}'}", "service", "x-a"),
    ],
)
def test_a_copied_label_tells_alerts_apart(labels: str, of: str, expected: str) -> None:
    """The row that crosses fires until it clears; the other, between both bounds all the time, never does."""
    found = minutes("max by (service) (depth)", f", prometheus: {{labels: {labels}}}", SWING, of)

    assert found == {expected: list(range(2, 10))}


@pytest.mark.real
@pytest.mark.parametrize("label", ["svc", "service"])
def test_a_row_without_the_label_that_is_copied(label: str) -> None:
    """Its alert has no such label, and ALERTS has the text of the template in that place."""
    series = {'depth{pod="p"}': "0x1 150x3 80x3 10x9", 'depth{service="b"}': "80x20"}
    copied = f", prometheus: {{labels: {{{label}: '{{{{ $labels.service }}}}'}}}}"

    assert minutes("depth", copied, series, "pod") == {"p": list(range(2, 10))}


@pytest.mark.real
def test_rows_that_cannot_be_told_apart_are_one() -> None:
    """Rows of one disk that differ in nothing but overwritten labels are one alert, and the rule does not fail."""
    series = {
        'depth{disk="x",service="a"}': "0x1 150x3 80x3 10x9",
        'depth{disk="x",service="b"}': "120x3 50x20",
        'depth{disk="y",severity="s"}': "80x20",
    }

    assert minutes("depth", "", series, "disk") == {"x": list(range(10))}


@pytest.mark.real
def test_a_fixed_label_is_matched_by_nobody() -> None:
    """A value that asks for one service has rows that do not differ in it."""
    assert minutes("'depth{service=\"a\"}'", "", SWING, "service") == {"shop": list(range(2, 10))}


@pytest.mark.real
@pytest.mark.parametrize("more", ["", ", prometheus: {labels: {severity: '{{ $labels.severity }}'}}"])
def test_the_proof_asks_for_labels_that_alerts_have(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: str
) -> None:
    """A label of the rows that the rule sets is not expected of its alerts."""
    value = f"value: 'sum by (severity, pod) (depth)', above: 10, severity: critical{more}"
    file = tmp_path / "shop.yaml"
    file.write_text(f"apiVersion: tocsin/v1\nkind: Service\nname: shop\nalerts: {{A: {{{value}}}}}\n")
    code = run(["test", str(file), "--generated"])

    assert (code, capsys.readouterr().out) == (0, "")
