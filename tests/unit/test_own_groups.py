"""Recordings, named rule groups and raw labels: read, put in order, and given to Prometheus as they are."""

import pytest
from tests.oracle import ask, firing, groups_of
from tests.reading import places, read
from tests.worlds import START, World, seconds

from tocsin.plan import plan
from tocsin.targets.prometheus import rule_file

CHAIN = """
    recordings:
      - {record: 'a:b:c', expr: 'sum(x)', group: g}
      - {record: 'loose:b:c', expr: 'sum(x)'}
    alerts:
      Zebra: {expr: 'a:b:c > 5', group: g, severity: info}
      Ant: {expr: 'd:e:f > 5', group: g, severity: info}
      Other: {expr: 'x > 5', group: h, severity: info}
      Plain: {expr: 'x > 5', severity: info}
    groups:
      h: {interval: 2m}
      g: {limit: 7}
"""


def test_order_is_as_written() -> None:
    """Recordings without a group, groups by their settings, other alerts; inside a named group nothing is sorted."""
    found = [
        (group.name, [rule.record if hasattr(rule, "record") else rule.alert for rule in group.rules])
        for group in groups_of(CHAIN)
    ]

    assert found == [
        ("recordings:shop", ["loose:b:c"]),
        ("h", ["Other"]),
        ("g", ["a:b:c", "Zebra", "Ant"]),
        ("alerts:shop", ["Plain"]),
    ]


def test_alerts_and_recordings_interleave() -> None:
    """An alert that stands before a recording in the text stands before it in their group."""
    text = """
        alerts: {Early: {expr: x > 1, group: g, severity: info}}
        recordings: [{record: late, expr: x, group: g}]
    """
    [group] = groups_of(text)

    assert [type(rule).__name__ for rule in group.rules] == ["AlertingRule", "RecordingRule"]


def test_settings_of_groups() -> None:
    """A group that has none is evaluated as the server does."""
    assert [(group.name, str(group.interval), group.limit) for group in groups_of(CHAIN)] == [
        ("recordings:shop", "None", 0),
        ("h", "2m", 0),
        ("g", "None", 7),
        ("alerts:shop", "None", 0),
    ]


@pytest.mark.real
def test_an_alert_sees_what_its_group_just_recorded() -> None:
    """Written in order, a recorded value is judged at the very evaluation that recorded it."""
    text = """
        recordings: [{record: 'a:x:sum', expr: 'sum(x)', group: g}]
        alerts: {Many: {value: 'a:x:sum', above: 5, group: g, severity: info, alertname: TooMany}}
    """
    rows = ask(groups_of(text), {"x": "1 1 9 1"}, [(firing("TooMany", ref="shop/Many"), 60 * m) for m in range(4)])

    assert [bool(found) for found in rows] == [False, False, True, False]


STRANGE = 'quotes " \' and \\ back, {{ "{{" }} braces, é ☃ \n second line'


@pytest.mark.real
def test_raw_values_survive() -> None:
    """Quotes, backslashes, line breaks and Unicode reach Prometheus; Go templates are filled in by it."""
    value = STRANGE.replace("\n", "\\n").replace('"', '\\"').replace("\\ back", "\\\\ back")
    text = f"""
        alerts:
          Odd:
            expr: x > 5
            severity: info
            prometheus: {{labels: {{raw: "{value}", job: '{{{{ $labels.job }}}}-{{{{ printf "%.1f" $value }}}}'}}}}
    """
    [rows] = ask(groups_of(text), {'x{job="a"}': "9"}, [(firing("Odd"), 0)])
    labels = dict(next(iter(rows)))

    assert (STRANGE.replace('{{ "{{" }}', "{{"), "a-9.0") == (labels["raw"], labels["job"])


def test_raw_labels_win() -> None:
    """What is written for Prometheus alone displaces what Tocsin writes, but not what names the alert."""
    text = "alerts: {A: {expr: x > 1, severity: info, prometheus: {labels: {severity: page, team: '{{x'}}}}"
    [group] = groups_of(text)

    assert 'severity: page\n          team: "{{x"\n' in rule_file((group,))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("alerts: {A: {expr: x > 1, severity: info, prometheus: {labels: {ref: a}}}}", [(4, 65, "labels/reserved")]),
        ("alerts: {A: {expr: x > 1, severity: info, group: 'alerts:a'}}", [(4, 50, "group/reserved")]),
        ("groups: {slow: {interval: 1m}}", [(4, 10, "group/unused")]),
        ("recordings: [{record: 'a:b', expr: '  '}]", []),
        ("recordings: [{record: 'a b', expr: x}]", [(4, 23, "schema/value")]),
        ("recordings: [{record: a, expr: x, group: g}]\ngroups: {g: {limit: -1}}", [(5, 21, "schema/value")]),
    ],
)
def test_mistakes(text: str, expected: list[tuple[int, int, str]]) -> None:
    """Each with its place."""
    _, findings = read("Service", text)

    assert places(findings) == expected


class TestEvaluator:
    """What `tocsin serve` shows of texts that were written for Prometheus."""

    def view(self, more: str) -> World:
        """A world in which the alert fires."""
        workspace, findings = read("Service", f"alerts: {{Odd: {{expr: 'x > 5', severity: warning, {more}}}}}", "shop")
        assert findings == ()
        there = World(workspace)
        there.source.add({"__name__": "x", "job": "a"}, [(START + seconds(0), 9.0)])
        there.tick(0)
        return there

    def test_shows_what_it_can_fill_in(self) -> None:
        """Our subset of templates is filled in, the name and labels are those that Prometheus has."""
        more = (
            "alertname: HighX, prometheus: {labels: {severity: page, of: '{{ $labels.job }}'}, "
            "annotations: {summary: '{{ $labels.job }} has {{ $value }}', runbook_url: 'https://r.example/x'}}"
        )
        view = self.view(more).view("shop/Odd")
        labels = dict(view.labels)

        assert (view.summary, view.runbook) == ("a has 9", "https://r.example/x")
        assert [labels[name] for name in ("alertname", "severity", "of", "ref")] == ["HighX", "page", "a", "shop/Odd"]

    def test_leaves_out_what_it_cannot_fill_in(self) -> None:
        """A text with functions of Go falls back to the alert's own."""
        more = "prometheus: {annotations: {summary: '{{ with $labels.job }}{{ . }}{{ end }}'}}"

        assert self.view(more).view("shop/Odd").summary == "Odd on shop: 9"


def test_recordings_are_part_of_the_plan_without_alerts() -> None:
    """A service may only record."""
    workspace, _ = read("Service", "recordings: [{record: a, expr: x}]")

    assert [group.name for group in plan(workspace)[0].groups] == ["recordings:a"]
