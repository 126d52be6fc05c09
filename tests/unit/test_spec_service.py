"""A Service document becomes SLIs, SLOs, alerts and tests; what the schema cannot see is found with its place."""

from decimal import Decimal

import pytest
from tests.reading import codes, places, read

from tocsin.sli import FreshnessSli, LatencySli, ProbeSli, RatioSli, RawSli, ThresholdSli
from tocsin.spec import Plain, Service, Threshold
from tocsin.units import Duration

SLI = """
slis:
  ok: {ratio: {bad: bad_total, total: all_total}}
slos:
"""


def service(text: str) -> Service:
    """The service of a text that has no mistake."""
    workspace, findings = read("Service", text)
    assert findings == ()
    return workspace.services[0]


class TestSli:
    """What counts as good."""

    def test_ratio_of_bad_events(self) -> None:
        """Bad and total are kept as written."""
        found = service("slis: {x: {ratio: {bad: 'e{a=\"b\"}', total: t}}}").slis["x"]

        assert RatioSli("t", bad_events='e{a="b"}') == found

    def test_ratio_of_good_events(self) -> None:
        """Good may stand instead of bad."""
        assert RatioSli("t", good_events="g") == service("slis: {x: {ratio: {good: g, total: t}}}").slis["x"]

    def test_latency_is_in_seconds(self) -> None:
        """The limit is exact."""
        found = service("slis: {x: {latency: {histogram: h_seconds, within: 250ms}}}").slis["x"]

        assert LatencySli("h_seconds", Decimal("0.25")) == found

    def test_probe_is_good_from_one_on(self) -> None:
        """That is the default."""
        assert ProbeSli("up", Decimal(1)) == service("slis: {x: {probe: {up: up}}}").slis["x"]

    @pytest.mark.parametrize("events", ["bad: b, good: g, total: t", "total: t"])
    def test_ratio_needs_either_bad_or_good(self, events: str) -> None:
        """Both would contradict each other, neither says nothing."""
        _, findings = read("Service", f"slis: {{x: {{ratio: {{{events}}}}}}}")

        assert places(findings) == [(4, 12, "sli/events")]

    @pytest.mark.parametrize(
        ("text", "code", "place"),
        [
            ("{ratio: {bad: 'sum(rate(b[$window]))', total: t}}", "sli/window", "t"),
            ("{ratio: {bad: b, total: 'sum(rate(t[$window]))'}}", "sli/window", "b"),
            ("{ratio: {bad: 'rate(b[$window])', total: 'delta(t[$window])'}}", "sli/window", "'delta(t[$window])'"),
            ("{ratio: {good: 'rate(g[$window])', total: 'max_over_time(t[$window])'}}", "sli/window", "max_over_time"),
            ("{raw: {error_ratio: a, success_ratio: b}}", "sli/events", "raw"),
            ("{raw: {}}", "sli/events", "raw"),
            ("{threshold: {value: v}}", "sli/bounds", "threshold"),
            ("{threshold: {value: v, at_least: 3, at_most: 2}}", "sli/bounds", "2"),
        ],
    )
    def test_what_contradicts_itself(self, text: str, code: str, place: str) -> None:
        """Whether windows, ratios and bounds fit together is told at the word that does not."""
        line = f"slis: {{x: {text}}}"
        _, findings = read("Service", line)
        found = [(f.code, line[f.span.column - 1 : f.span.end_column - 1]) for f in findings]

        assert found == [(code, place)]

    def test_every_other_kind(self) -> None:
        """Values are exact, durations are seconds."""
        slis = service(
            "slis:\n  a: {raw: {success_ratio: r}}\n  b: {threshold: {value: v, at_most: 80%}}\n"
            "  c: {freshness: {last_success: s, within: 1h}}\n  d: {latency: {histogram: h, within: 1s, native: true}}"
        ).slis

        assert slis == {
            "a": RawSli(success_ratio="r"),
            "b": ThresholdSli("v", at_most=Decimal("0.8")),
            "c": FreshnessSli("s", Decimal(3600)),
            "d": LatencySli("h", Decimal(1), native=True),
        }

    def test_histogram_is_named_by_its_base_name(self) -> None:
        """`_bucket` is one of its series; the hint is what to write."""
        _, findings = read("Service", "slis: {x: {latency: {histogram: 'h_seconds_bucket{a=\"b\"}', within: 1s}}}")

        assert places(findings) == [(4, 33, "sli/histogram")]
        assert findings[0].hint == "write h_seconds"

    def test_latency_of_nothing_is_refused(self) -> None:
        """No event takes no time."""
        _, findings = read("Service", "slis: {x: {latency: {histogram: h, within: 0s}}}")

        assert places(findings) == [(4, 44, "units/duration")]


class TestSlo:
    """Objectives."""

    def test_defaults(self) -> None:
        """Thirty days, all tiers of the workbook, an alert for absent traffic after ten minutes."""
        slo = service(SLI + "  x: {sli: ok, target: 99.9%}").slos[0]

        assert ("a/x", Decimal("0.999"), Duration.of(days=30)) == (slo.ref, slo.target, slo.window)
        assert [tier.name for tier in slo.tiers] == ["fast", "steady", "slow", "trickle"]
        assert (True, Duration.of(minutes=10), None) == (slo.no_traffic.alert, slo.no_traffic.for_, None)

    def test_stands_where_its_key_stands(self) -> None:
        """Rules carry the line of the SLO, findings about the target the place of the target."""
        slo = service(SLI + "  x: {sli: ok, target: 99.9%}").slos[0]

        assert (slo.span.line, slo.span.column) == (7, 3)
        assert (slo.target_span.line, slo.target_span.column) == (7, 24)

    def test_tiers_can_be_off(self) -> None:
        """The others stay."""
        slo = service(SLI + "  x: {sli: ok, target: 99.9%, burn_rate: {off: [trickle, slow]}}").slos[0]

        assert [tier.name for tier in slo.tiers] == ["fast", "steady"]

    @pytest.mark.parametrize(
        ("target", "hint"),
        [("100%", "write 99.9%"), ("1", "write 99.9%"), ("99.9", "did you mean 99.9%?"), ("150%", "write 99.9%"),
         ("0%", "write 99.9%"), ("-5%", "write 99.9%")],
    )  # fmt: skip
    def test_target_leaves_a_budget(self, target: str, hint: str) -> None:
        """100 % leaves none, 0 % promises nothing, and 99.9 was meant as a percentage."""
        workspace, findings = read("Service", SLI + f"  x: {{sli: ok, target: {target}}}")

        assert places(findings) == [(7, 24, "slo/target")]
        assert hint == findings[0].hint
        assert workspace.services[0].slos == ()

    def test_unknown_sli(self) -> None:
        """The nearest name is offered."""
        _, findings = read("Service", SLI + "  x: {sli: okk, target: 99%}")

        assert places(findings) == [(7, 12, "reference/unknown-sli")]
        assert findings[0].hint == "did you mean ok?"

    def test_a_wrong_sli_is_known(self) -> None:
        """Its mistake is told once, and not again by everything that uses it."""
        text = "slis: {x: {ratio: {total: t}}}\nslos: {y: {sli: x, target: 99%}}"
        workspace, findings = read("Service", text)

        assert codes(findings) == ["sli/events"]
        assert workspace.services[0].slos == ()

    def test_unknown_tier(self) -> None:
        """A tier that is misspelt would stay on."""
        _, findings = read("Service", SLI + "  x: {sli: ok, target: 99%, burn_rate: {off: [trikle]}}")

        assert places(findings) == [(7, 47, "reference/unknown-tier")]
        assert findings[0].hint == "did you mean trickle?"

    @pytest.mark.parametrize("reason", ["", ", reason: ' '"])
    def test_absent_traffic_is_only_ignored_with_a_reason(self, reason: str) -> None:
        """Without the alert a service that stops counting looks healthy."""
        _, findings = read("Service", SLI + f"  x: {{sli: ok, target: 99%, no_traffic: {{alert: false{reason}}}}}")

        assert places(findings) == [(7, 49, "slo/no-traffic-reason")]

    def test_absent_traffic_ignored_with_a_reason(self) -> None:
        """The reason is kept."""
        slo = service(SLI + "  x: {sli: ok, target: 99%, no_traffic: {alert: false, reason: nightly}}").slos[0]

        assert (slo.no_traffic.alert, slo.no_traffic.reason) == (False, "nightly")

    @pytest.mark.parametrize("window", ["0s", "0d", "200y"])
    def test_window_has_a_length(self, window: str) -> None:
        """Nothing is no window, and no clock counts two hundred years."""
        _, findings = read("Service", SLI + f"  x: {{sli: ok, target: 99%, window: {window}}}")

        assert places(findings) == [(7, 37, "units/duration")]


class TestAlert:
    """Threshold alerts."""

    def test_value_and_threshold(self) -> None:
        """Thresholds are exact numbers in base units."""
        alert = service("alerts: {A: {value: up, above: 2000ms, for: 5m, severity: warning}}").alerts[0]

        assert isinstance(alert.condition, Threshold)
        assert ("a/A", "up", Decimal(2), Duration.of(minutes=5)) == (
            alert.ref, alert.condition.value.text, alert.condition.above, alert.for_,
        )  # fmt: skip
        assert (alert.on_missing, alert.notify, alert.labels) == ("keep", (), ())

    def test_labels_of_the_service_come_along(self) -> None:
        """The alert's own win."""
        alert = service(
            "labels: {system: shop, team: red}\nalerts: {A: {expr: up == 0, severity: info, labels: {team: blue}}}"
        ).alerts[0]

        assert alert.labels == (("system", "shop"), ("team", "blue"))

    def test_expression_knows_its_place(self) -> None:
        """Findings inside a block scalar can be mapped to lines of the file."""
        workspace, findings = read("Service", "alerts:\n  A:\n    severity: info\n    expr: |\n      up\n      == 0\n")
        condition = workspace.services[0].alerts[0].condition

        assert findings == ()
        assert isinstance(condition, Plain)
        expr = condition.expr
        assert workspace.documents is not None
        assert (
            (span := workspace.documents["a.yaml", 0].inside(expr.where, 3, 5)).line,
            span.column,
        ) == (9, 7)

    @pytest.mark.parametrize(
        "condition",
        ["", "value: up", "value: up, above: 1, below: 0", "expr: up, above: 1", "value: up, expr: up, above: 1",
         "above: 1", "expr: up, on_missing: fire"],
    )  # fmt: skip
    def test_condition_is_either_value_and_one_limit_or_an_expression(self, condition: str) -> None:
        """Anything else is one finding at the alert's name, and no alert."""
        body = ", ".join(filter(None, [condition, "severity: info"]))
        workspace, findings = read("Service", f"alerts:\n  A: {{{body}}}")

        assert places(findings) == [(5, 3, "alert/condition")]
        assert workspace.services[0].alerts == ()

    @pytest.mark.parametrize("label", ["service", "severity", "ref", "alertname"])
    def test_our_labels_are_reserved(self, label: str) -> None:
        """Another value would break routing and references."""
        _, findings = read("Service", f"alerts:\n  A: {{expr: up, severity: info, labels: {{{label}: x}}}}")

        assert places(findings) == [(5, 42, "labels/reserved")]

    def test_an_alert_and_an_slo_cannot_share_a_name(self) -> None:
        """Both would be `a/ok`."""
        text = SLI + "  ok: {sli: ok, target: 99%}\nalerts: {ok: {expr: up, severity: info}}"
        _, findings = read("Service", text)

        assert places(findings) == [(8, 10, "reference/duplicate")]
        assert [span.line for span, _ in findings[0].related] == [7]

    def test_a_threshold_that_prometheus_cannot_hold(self) -> None:
        """1e400 is infinite as a float."""
        _, findings = read("Service", "alerts: {A: {value: up, above: '1e400', severity: info}}")

        assert codes(findings) == ["units/quantity"]


class TestRuleTest:
    """Tests inside definitions."""

    @pytest.mark.parametrize(
        ("alert", "code", "hint"),
        [
            ("HighCpuu", "reference/unknown-alert", "did you mean HighCpu?"),
            ("x", "reference/unknown-alert", "for an SLO write x:fast"),
            ("y:fast", "reference/unknown-slo", "known are x"),
            ("x:fats", "reference/unknown-tier", "did you mean fast?"),
            ("x:trickle", "reference/unknown-tier", None),
        ],
    )
    def test_alerts_of_expectations_exist(self, alert: str, code: str, hint: str | None) -> None:
        """Promtool says SUCCESS for an alert that no rule has; we do not."""
        text = f"""{SLI}  x: {{sli: ok, target: 99%, burn_rate: {{off: [trickle]}}}}
alerts: {{HighCpu: {{expr: up, severity: info}}}}
tests: [{{name: t, expect: [{{at: 1m, alert: '{alert}', firing: []}}]}}]
"""
        _, findings = read("Service", text)

        assert [(code, hint)] == [(finding.code, finding.hint) for finding in findings]

    def test_tests_are_read(self) -> None:
        """Series, times and labels."""
        text = f"""{SLI}  x: {{sli: ok, target: 99%}}
tests: [{{name: t, series: [{{series: s, values: '1x5'}}],
  expect: [{{at: 10m, alert: 'x:no-traffic', firing: [{{b: c}}]}}]}}]
"""
        test = service(text).tests[0]

        assert ("a", "t", Duration.of(minutes=1)) == (test.service, test.name, test.interval)
        assert (test.series[0].series, test.series[0].values) == ("s", "1x5")
        assert (Duration.of(minutes=10), "x:no-traffic", ((("b", "c"),),)) == (
            test.expect[0].at, test.expect[0].alert, test.expect[0].firing,
        )  # fmt: skip


class TestScrape:
    """Where Prometheus finds the service."""

    def test_defaults(self) -> None:
        """The job has the service's name."""
        scrape = service("scrape: {targets: ['a:80']}").scrape

        assert scrape is not None
        assert (
            scrape.job, scrape.path, scrape.scheme, scrape.interval, scrape.timeout,
        ) == ("a", "/metrics", "http", None, None)  # fmt: skip

    def test_timeout_is_not_longer_than_the_interval(self) -> None:
        """Prometheus refuses such a configuration."""
        _, findings = read("Service", "scrape: {targets: ['a:80'], interval: 10s, timeout: 15s}")

        assert places(findings) == [(4, 53, "scrape/timeout")]


def test_the_schema_and_the_reader_tell_a_bad_duration_once() -> None:
    """Both know how a duration is written."""
    _, findings = read("Service", SLI + "  x: {sli: ok, target: 99%, window: 5 minutes}")

    assert places(findings) == [(7, 37, "schema/value")]


def test_a_mistake_of_the_schema_does_not_hide_others() -> None:
    """An unknown key, a bad duration, a bad target and an unknown SLI come out of one run."""
    text = SLI + "  x: {sli: nok, target: 100%, window: 5 m}\n  y: {sli: ok, target: 99%, pge: []}\n"
    workspace, findings = read("Service", text)

    assert codes(findings) == ["reference/unknown-sli", "slo/target", "schema/value", "schema/unknown-key"]
    assert [slo.ref for slo in workspace.services[0].slos] == ["a/y"]


def test_former_names_of_an_alert() -> None:
    """With or without the service."""
    read = service("alerts:\n  A: {expr: up == 0, severity: info, formerly: [Old, cart/B]}\n")

    assert read.alerts[0].formerly == (f"{read.name}/Old", "cart/B")
