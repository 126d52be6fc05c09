"""Rule files to services: nothing is dropped, nothing means something else."""

from pathlib import Path

import pytest

from tocsin.definitions import definitions_of
from tocsin.importers import IMPORTERS, Fate, Imported, convert
from tocsin.plan import AlertingRule, RecordingRule
from tocsin.workspace import Source

HERE = Path(__file__).parents[1]


def imported(text: str, service: str = "") -> Imported:
    """Import one rule file."""
    return convert(IMPORTERS["prometheus"], [("rules.yml", text)], service)


def told(result: Imported, fate: Fate) -> list[str]:
    """Lines and words of what became of something."""
    return [f"{loss.span.line}: {loss.what}" for loss in result.losses if loss.fate is fate]


def rules(result: Imported) -> list[AlertingRule | RecordingRule]:
    """The rules that `compile` would write for what was imported."""
    definitions = definitions_of([Source(name, text) for name, text in result.files.items()])
    assert definitions.errors == ()
    return [rule for group in definitions.plan.groups for rule in group.rules]


def one_alert(lines: str) -> AlertingRule:
    """The compiled rule of an alert with these lines below `expr`."""
    result = imported(f"groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n{lines}")
    assert result.complete
    (rule,) = rules(result)
    assert isinstance(rule, AlertingRule)
    return rule


class TestAlerts:
    """What becomes of an alerting rule."""

    def test_a_label_value_is_its_text(self) -> None:
        """As Prometheus decodes YAML, not as YAML 1.1 or 1.2 resolve it."""
        labels = dict(one_alert("    labels: {severity: info, a: 010, b: on, c: 1.0, d: 0x1F, e: null}\n").labels)

        assert [labels.get(key, "") for key in "abcde"] == ["010", "on", "1.0", "0x1F", ""]

    @pytest.mark.parametrize(
        ("word", "severity"), [("page", "critical"), ("P2", "warning"), ("notice", "info"), ("purple", "warning")]
    )
    def test_other_words_for_severity_stay_in_prometheus(self, word: str, severity: str) -> None:
        """Routes match on them; the language has three words of its own."""
        rule = one_alert(f"    labels: {{severity: {word}}}\n")
        text = imported(f"groups: [{{name: g, rules: [{{alert: A, expr: up, labels: {{severity: {word}}}}}]}}]").files[
            "rules.yaml"
        ]

        assert dict(rule.labels)["severity"] == word
        assert f"severity: {severity}\n" in text

    def test_a_severity_that_is_a_template_stays_one(self) -> None:
        """Prometheus fills it in for each series."""
        rule = one_alert("    labels: {severity: '{{ $labels.level }}'}\n")

        assert dict(rule.labels)["severity"] == "{{ $labels.level }}"
        assert "severity" in rule.raw

    @pytest.mark.parametrize(
        "text",
        [
            "plain",
            "{{ $labels.job }} at {{ $value | humanize }}",
            '{{ printf "%.2f" $value }}',
            '{{ with query "up" }}{{ . | first | value }}{{ end }}',
            " blanks around ",
            "{{ $labels.severity }} of the series",
            "{{ $externalLabels.cluster }}",
            "two\nlines\n",
            "",
        ],
    )
    def test_annotations_reach_prometheus_as_they_were(self, text: str) -> None:
        """In the language where that says the same, else word for word."""
        lines = "    labels: {severity: info}\n    annotations:\n"
        for key in ("summary", "description", "message"):
            quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            lines += f'      {key}: "{quoted}"\n'
        annotations = dict(one_alert(lines).annotations)

        assert [annotations.get(key, "") for key in ("summary", "description", "message")] == [text] * 3

    def test_a_runbook_that_is_a_url_is_a_runbook(self) -> None:
        """Anything else stays an annotation."""
        for url in ("https://example.org/a", "see the wiki", "https://example.org/{{ $labels.a }}"):
            rule = one_alert(f"    annotations: {{runbook_url: '{url}'}}\n    labels: {{severity: info}}\n")

            assert dict(rule.annotations)["runbook_url"] == url

    def test_the_label_service_of_the_series_stays(self) -> None:
        """Rows that differ only in it would become one alert twice, which Prometheus refuses to evaluate."""
        text = "groups: [{name: g, rules: [{alert: A, expr: sum by (service) (up) > 0, labels: {severity: info}}]}]"
        (rule,) = rules(imported(text))

        assert dict(rule.labels)["service"] == "{{ $labels.service }}"

    def test_shared_names_become_keys_of_their_own(self) -> None:
        """By severity where that tells them apart, else by number; Prometheus sees the shared name."""
        rule = "{{alert: 'Disk full', expr: x < {0}, labels: {{severity: {1}}}}}"
        shared = [rule.format(n, word) for n, word in enumerate(["critical", "warning", "warning"])]
        result = imported(f"groups: [{{name: g, rules: [{','.join(shared)}]}}]")

        assert [r.ref for r in rules(result) if isinstance(r, AlertingRule)] == [
            "rules/DiskFull", "rules/DiskFull_warning", "rules/DiskFull_2",
        ]  # fmt: skip
        assert {r.alert for r in rules(result) if isinstance(r, AlertingRule)} == {"Disk full"}

    def test_durations(self) -> None:
        """A bare 0 is one for Prometheus."""
        rule = one_alert("    for: 1h30m\n    keep_firing_for: 0\n    labels: {severity: info}\n")

        assert (str(rule.for_), rule.keep_firing_for.milliseconds) == ("1h30m", 0)


class TestGroups:
    """What becomes of groups."""

    def test_names_settings_and_order_stay(self) -> None:
        """Also where two groups use one after the other."""
        text = """\
groups:
- {name: b.rules, interval: 30s, limit: 5, rules: [{record: 'x:a', expr: a}, {record: 'x:b', expr: 'x:a'}]}
- {name: A rules, rules: [{record: 'x:c', expr: c}, {alert: C, expr: 'x:c > 0', labels: {severity: info}}]}
"""
        definitions = definitions_of([Source("rules.yaml", imported(text).files["rules.yaml"])])
        groups = definitions.plan.groups

        assert [(group.name, str(group.interval), group.limit) for group in groups] == [
            ("b.rules", "30s", 5), ("A rules", "None", 0),
        ]  # fmt: skip
        assert [len(group.rules) for group in groups] == [2, 2]

    def test_alerts_before_recordings_stay_before_them(self) -> None:
        """A recording of ALERTS reads what the alert before it did."""
        text = """\
groups:
- name: g
  rules:
  - {alert: A, expr: up == 0, labels: {severity: info}}
  - {record: 'a:b', expr: ALERTS}
"""
        result = imported(text)

        assert [type(rule) for rule in rules(result)] == [AlertingRule, RecordingRule]
        assert told(result, Fate.CHANGED) == ["5: expr: ALERTS"]  # it has labels more

    def test_an_order_that_cannot_be_said_is_told(self) -> None:
        """A definition keeps recordings and alerts apart."""
        rules = "{record: 'a:b', expr: a}, {alert: A, expr: b, labels: {severity: info}}, {record: 'c:d', expr: c}"

        assert told(imported(f"groups:\n- name: g\n  rules: [{rules}]\n"), Fate.CHANGED) == ["2: group g"]

    def test_labels_of_a_group_are_those_of_its_rules(self) -> None:
        """The rule's own win."""
        text = "groups: [{name: g, labels: {a: x, b: y}, rules: [{record: 'a:b', expr: up, labels: {a: z}}]}]"
        (rule,) = rules(imported(text))

        assert rule.labels == (("a", "z"), ("b", "y"))

    def test_settings_that_cannot_be_said_are_lost_with_their_place(self) -> None:
        """Those of Prometheus, Thanos and Mimir."""
        settings = "  query_offset: 1m\n  partial_response_strategy: warn\n  source_tenants: [a, b]\n"
        result = imported(f"groups:\n- name: g\n{settings}  rules: []\n")

        assert told(result, Fate.LOST) == [
            "3: query_offset: 1m",
            "4: partial_response_strategy: warn",
            "5: source_tenants",
        ]
        assert not result.complete

    def test_a_key_that_nobody_knows_is_lost(self) -> None:
        """Not because somebody thought of it, but because nobody read it."""
        assert told(imported("groups:\n- name: g\n  zzz: {a: [1]}\n  rules: []\n"), Fate.LOST) == ["3: zzz"]


class TestMistakes:
    """What Prometheus would not take either."""

    @pytest.mark.parametrize(
        ("rule", "place", "message"),
        [
            ("{alert: A, record: b, expr: c}", "1:34", "a rule has either alert or record, this one has both"),
            ("{expr: c}", "1:34", "a rule has either alert or record, this one has neither"),
            ("{alert: A}", "1:34", "there is no expression"),
            ("{alert: A, expr: c, fro: 5m}", "1:59", "an alert has no 'fro'"),
            ("{record: a, expr: c, annotations: {b: c}}", "1:68", "a recording has no 'annotations'"),
            ("{record: a-b, expr: c}", "1:43", "'a-b' is not the name of a series"),
            ("{alert: A, expr: sum(, labels: {a: b}}", None, None),
            ("{alert: A, expr: c, for: 5 minutes}", "1:59", None),
            ("{alert: A, expr: c, labels: {a-b: c}}", "1:68", "'a-b' is not the name of a label"),
        ],
    )
    def test_mistakes_have_their_place(self, rule: str, place: str | None, message: str | None) -> None:
        """And words that say what is wrong."""
        result = imported(f"groups: [{{name: group, rules: [  {rule}]}}]")
        (finding,) = result.findings

        assert place is None or str(finding.span) == f"rules.yml:{place}"
        assert message is None or finding.message == message
        assert not result.complete

    def test_a_fault_of_promql_is_shown_inside_the_expression(self) -> None:
        """Also in a block."""
        text = "groups:\n- name: g\n  rules:\n  - record: a\n    expr: |\n      sum(up)\n      + * 2\n"
        (finding,) = imported(text).findings

        assert (finding.span.line, finding.code) == (7, "import/invalid")

    @pytest.mark.parametrize(
        "text", ["- a", "5", "groups: 5", "groups: {}\nrules: []", "groups: [5]", "groups: [{name: [a]}]"]
    )
    def test_anything_else_is_refused(self, text: str) -> None:
        """Never an exception, never silence."""
        assert not imported(text).complete

    def test_duplicate_keys_are_refused(self) -> None:
        """By the YAML reader; the rest is imported."""
        result = imported("groups:\n- name: g\n  rules:\n  - {record: a, expr: b, expr: c}\n  - {record: d, expr: e}\n")

        assert [finding.code for finding in result.findings] == ["yaml/duplicate-key"]
        assert len(rules(result)) == 2


class TestFiles:
    """What is one service."""

    def test_kubernetes_objects_and_namespaces(self) -> None:
        """Each is one; what belongs to the object is lost."""
        path = HERE / "imports" / "operator.yml"
        result = convert(IMPORTERS["prometheus"], [("operator.yml", path.read_text(encoding="utf-8"))])

        assert list(result.files) == ["shop-rules.yaml", "operator-second.yaml"]
        assert told(result, Fate.LOST) == ["5: namespace: monitoring", "6: labels"]
        assert len(rules(result)) == 2

    def test_lists_of_objects(self) -> None:
        """As `kubectl get -o yaml` prints them."""
        text = """\
apiVersion: v1
kind: List
items:
- apiVersion: monitoring.coreos.com/v1
  kind: PrometheusRule
  metadata: {name: a, resourceVersion: "1"}
  spec: {groups: [{name: g, rules: [{record: a, expr: b}]}]}
"""
        assert imported(text).complete
        assert list(imported(text).files) == ["a.yaml"]

    def test_a_second_document_is_not_read_by_prometheus(self) -> None:
        """So its rules were never there."""
        group = "groups: [{name: g, rules: [{record: a, expr: b}]}]\n"
        result = imported(f"{group}---\n{group}")

        assert told(result, Fate.LOST) == ["3: the document"]
        assert len(rules(result)) == 1

    @pytest.mark.parametrize("text", ["", "null\n", "{}\n", "groups:\n", "groups: []\n", "# nothing\n"])
    def test_no_rules_are_no_service(self, text: str) -> None:
        """Prometheus takes such files."""
        result = imported(text)

        assert (result.files, result.complete) == ({}, True)

    def test_another_kind_is_refused(self) -> None:
        """It is some other importer's."""
        (finding,) = imported("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n").findings

        assert (str(finding.span), finding.message) == ("rules.yml:1:13", "apiVersion is v1")


def test_comments_are_kept_where_they_belong() -> None:
    """Above what they stand above, beside what they stand beside; those of PromQL inside it."""
    text = """\
# of the file
groups:
# of the group
- name: g  # beside the group
  interval: 1m
  rules:
  # of the rule
  - alert: A
    # of the expression
    expr: |
      # of PromQL
      up == 0
    for: 5m  # beside for
    labels: {severity: info}
    # at the end
# of the second
  - record: a:b
    expr: c
  # at the end of the list
"""
    written = imported(text).files["rules.yaml"]

    assert written.splitlines() == [
        "# of the file", "apiVersion: tocsin/v1", "kind: Service", "name: rules", "",
        "groups:", "  # of the group", "  # beside the group", "  g:", "    interval: 1m", "",
        "alerts:", "  # of the rule", "  # imported from rules.yml:8", "  A:", "    # of the expression", "    expr: |",
        "      # of PromQL", "      up == 0", "    for: 5m  # beside for", "    severity: info", "    group: g",
        "    # at the end", "",
        "recordings:", "  # of the second", "  # imported from rules.yml:17", "  - record: a:b", "    expr: c",
        "    group: g", "  # at the end of the list",
    ]  # fmt: skip
