"""SLI kinds: the PromQL they ask, and that every kind is listed."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from tests.promql_engine import Engine, Series
from tests.promql_values import as_vector

import tocsin.sli
from tocsin.promql import over, renamed, tidy, with_matcher
from tocsin.sli import SLIS, FreshnessSli, LatencySli, ProbeSli, RatioSli, RawSli, SlicedSli, ThresholdSli
from tocsin.sli.latency import le_matcher
from tocsin.sli.query import UnitOfWindowError, unit_of
from tocsin.units import Duration
from tocsin_schemas import schema_for


def test_every_kind_is_registered() -> None:
    """A kind that is written but not listed could never be used."""
    files = Path(tocsin.sli.__file__).parent.glob("*.py")
    modules = {path.stem for path in files if "def read(cls, given" in path.read_text(encoding="utf-8")} - {"base"}

    assert modules == set(SLIS)


def test_every_kind_may_be_written() -> None:
    """The schema and the table know the same kinds: what only one of them knows would vanish without a word."""
    written = schema_for("Service")["$defs"]["sli"]["properties"]

    assert set(written) - {"template", "with"} == set(SLIS)


def test_ratio_of_bad_events() -> None:
    """A missing error series counts as no errors, as long as there is any traffic."""
    sli = RatioSli(total_events='r{a="b"}', bad_events='r{a="b",code="500"}')

    assert sli.bad("5m") == '(sum(rate(r{a="b",code="500"}[5m])) or 0 * sum(rate(r{a="b"}[5m])))'


def test_ratio_of_good_events() -> None:
    """Without one good event all are bad, and scraping races never make it negative."""
    sli = RatioSli(total_events="t", good_events="g")

    assert sli.bad("1h", "increase") == (
        "clamp_min(sum(increase(t[1h])) - (sum(increase(g[1h])) or 0 * sum(increase(t[1h]))), 0)"
    )


def test_latency() -> None:
    """Slower than the bucket's bound is bad."""
    sli = LatencySli('h_seconds{job="a"}', Decimal("0.25"))

    assert (sli.bad("5m"), sli.total("5m")) == (
        'clamp_min(sum(rate(h_seconds_count{job="a"}[5m])) - sum(rate(h_seconds_bucket{job="a",le="0.25"}[5m])), 0)',
        'sum(rate(h_seconds_count{job="a"}[5m]))',
    )


@pytest.mark.parametrize(
    ("bound", "matcher"),
    [
        ("1", r'le=~"1|1\\.0"'),
        ("2.50", 'le="2.5"'),
        ("10", r'le=~"10|10\\.0"'),
        ("1000000", r'le=~"1000000|1000000\\.0|1e\\+06"'),
        ("2500000", r'le=~"2500000|2500000\\.0|2\\.5e\\+06"'),
        ("0.00001", r'le=~"0\\.00001|1e-05"'),
        ("0.0001", 'le="0.0001"'),
    ],
)
def test_bound_as_it_may_be_spelled(bound: str, matcher: str) -> None:
    """Prometheus 2 and 3, Go and Python spell whole, large and small bounds differently."""
    assert matcher == le_matcher(Decimal(bound))


RATE = "sum(rate(t[$window]))"
INCREASE = "sum(increase(t[$window]))"


@pytest.mark.parametrize(
    ("text", "function", "expected"),
    [
        (RATE, "rate", "sum(rate(t[1h]))"),
        (RATE, "increase", "sum(rate(t[1h])) * 3600"),
        (INCREASE, "rate", "sum(increase(t[1h])) / 3600"),
        (INCREASE, "increase", "sum(increase(t[1h]))"),
        ("rate(t[$window])", "rate", "sum(rate(t[1h]))"),
        ("sum(rate(a[$window] offset $window)) + sum(rate(b[$window])) # all", "rate", None),
        ("sum by (x) (rate(t[$window]))", "rate", "sum(sum by (x) (rate(t[1h])))"),
        ("count_over_time((t > 1)[$window:30s])", "rate", "sum(count_over_time((t > 1)[1h:30s])) / 3600"),
    ],
)
def test_window_of_the_users_own(text: str, function: str, expected: str | None) -> None:
    """The window goes wherever it is asked for; events per second and per window become each other."""
    whole = "sum(sum(rate(a[1h] offset 1h)) + sum(rate(b[1h])))"

    assert RatioSli(text, bad_events="b").total("1h", function) == (expected or whole)


@pytest.mark.parametrize(
    ("text", "message", "found"),
    [
        ("sum(rate(a[$window])) + sum(increase(b[$window]))", "increase() counts events per window", "increase"),
        ("max_over_time(a[$window])", "max_over_time() over [$window] counts no events", "max_over_time"),
        ("a[$window]", "[$window] stands behind no function", "$window"),
        ("sum(rate(a[5m] offset $window))", "$window is not the range of any selector", None),
    ],
)
def test_window_that_counts_nothing(text: str, message: str, found: str | None) -> None:
    """Whether events are counted per second or per window has to be plain, and the finding stands at the word."""
    with pytest.raises(UnitOfWindowError) as caught:
        unit_of(text)

    assert message in caught.value.message
    assert text[caught.value.start : caught.value.end] == (found or text)


def test_raw_ratio_of_a_window() -> None:
    """Where there is a ratio every second is an event; NaN is no row."""
    sli = RawSli(success_ratio="sum(rate(g[$window])) / sum(rate(t[$window]))")

    assert (sli.bad("5m"), sli.total("5m", "increase"), sli.now()) == (
        "clamp_min(1 - avg((sum(rate(g[5m])) / sum(rate(t[5m]))) >= 0), 0)",
        "group((sum(rate(g[5m])) / sum(rate(t[5m]))) >= 0) * 300",
        None,
    )


def test_raw_ratio_at_an_instant() -> None:
    """What has no window of its own is looked at again and again."""
    sli = RawSli(error_ratio="failing", by=("zone",))

    assert (sli.bad("5m"), sli.total("1d", "increase"), sli.now()) == (
        "sum_over_time((clamp_max(avg by (zone) ((failing) >= 0), 1))[5m:]) / 300",
        "sum_over_time((group by (zone) ((failing) >= 0))[1d:1m])",
        ("clamp_max(avg by (zone) ((failing) >= 0), 1)", "group by (zone) ((failing) >= 0)"),
    )


def test_threshold_with_two_bounds() -> None:
    """A row below the one or above the other is a bad sample; NaN is neither bad nor a sample."""
    assert ThresholdSli("depth", Decimal(1), Decimal("5.0")).now() == (
        "sum(((depth) >= -Inf) < bool 1) + sum(((depth) >= -Inf) > bool 5)",
        "count((depth) >= -Inf)",
    )


def test_freshness() -> None:
    """A success longer ago than allowed is a bad sample."""
    sli = FreshnessSli("max by (job) (done_seconds)", Decimal(3600))

    assert sli.now() == (
        "sum((time() - ((max by (job) (done_seconds)) >= -Inf)) > bool 3600)",
        "count((max by (job) (done_seconds)) >= -Inf)",
    )


def test_native_histogram() -> None:
    """It needs no bucket: the fraction below the limit is interpolated."""
    sli = LatencySli('h_seconds{job="a"}', Decimal("0.25"), native=True)
    observed = 'sum(rate(h_seconds{job="a"}[5m]))'

    assert (sli.bad("5m"), sli.total("5m"), sli.mean("5m"), sli.lacks()) == (
        f"clamp_min(histogram_count({observed}) * (1 - histogram_fraction(-Inf, 0.25, {observed})), 0)",
        f"histogram_count({observed})",
        f"histogram_sum({observed}) / histogram_count({observed})",
        "",
    )


def test_boolean_probe_counts_raw_samples() -> None:
    """`up` is 0 or 1, so its samples can be summed."""
    sli = ProbeSli('up{job="a"}', Decimal(1))

    assert (sli.bad("5m", "increase"), sli.total("5m")) == (
        '(sum(count_over_time(up{job="a"}[5m])) - sum(sum_over_time(up{job="a"}[5m])))',
        '(sum(count_over_time(up{job="a"}[5m]))) / 300',
    )


def test_other_gauge_is_compared_sample_by_sample() -> None:
    """Three replicas up do not make good for two minutes with none."""
    sli = ProbeSli("replicas", Decimal(2))

    assert sli.bad("5m", "increase") == (
        "(sum(count_over_time(replicas[5m:])) - sum(sum_over_time((replicas >= bool 2)[5m:])))"
    )


def test_a_cheaper_total() -> None:
    """What the rules have recorded need not be computed again."""
    found = [
        sli.bad("5m", total="T")
        for sli in (
            RatioSli("t", bad_events="b"),
            RatioSli("t", good_events="g"),
            LatencySli("h", Decimal("0.5")),
            ProbeSli("up", Decimal(1)),
        )
    ]

    assert found == [
        "(sum(rate(b[5m])) or 0 * T)",
        "clamp_min(T - (sum(rate(g[5m])) or 0 * T), 0)",
        'clamp_min(T - sum(rate(h_bucket{le="0.5"}[5m])), 0)',
        "clamp_min(T - (sum(sum_over_time(up[5m]))) / 300, 0)",
    ]


def test_grouped() -> None:
    """One row for each value of the labels, on both sides."""
    ratio = RatioSli("t", bad_events="b", by=("route", "zone"))
    probe = ProbeSli("up", Decimal(1), by=("job",))

    assert ratio.bad("5m") == ("(sum by (route, zone) (rate(b[5m])) or 0 * sum by (route, zone) (rate(t[5m])))")
    assert probe.now() == ("sum by (job) (1 - (up >= bool 1))", "count by (job) (up)")


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("m", "m[5m]"),
        ('m{a="}"}', 'm{a="}"}[5m]'),
        ("m{} offset 1h", "m[5m] offset 1h"),
        ('{__name__="m"}', '{__name__="m"}[5m]'),
        ('m{a="x"} # why', 'm{a="x"}[5m]'),
        ("m{\n  a='b',\n}", "m{a='b',}[5m]"),
        (r'm{a="\"}"}', r'm{a="\"}"}[5m]'),
    ],
)
def test_window_goes_behind_the_matchers(selector: str, expected: str) -> None:
    """Braces in strings, comments, offsets and line breaks do not mislead it."""
    assert expected == over(selector, "5m")


def test_suffix_and_matcher() -> None:
    """A histogram's base name becomes its buckets."""
    assert with_matcher(renamed("h{}", "_bucket"), 'le="1"') == 'h_bucket{le="1"}'


def test_comment_sign_inside_a_string_is_text() -> None:
    """Only what stands outside of strings is a comment."""
    assert tidy('m{a="#1"} # one\n> 2') == 'm{a="#1"} > 2'


@pytest.mark.parametrize(("up", "bad"), [(range(121), 12), ([m for m in range(121) if not 30 < m <= 60], 6), ((), 12)])
def test_slices_of_a_server_that_was_away(up: Sequence[int], bad: int) -> None:
    """An hour without the counter is 12 slices; of half of it nobody can tell; without any `up` it is believed."""
    minutes = [m for m in range(121) if not 30 < m <= 90]
    series: Series = {
        (("__name__", "hits"), ("code", "200")): [(m * 60_000 + 500, 60.0 * m) for m in minutes],
        (("__name__", "up"), ("job", "other")): [(m * 60_000 + 500, 1.0) for m in up],
    }
    inner = RatioSli("hits", bad_events='hits{code="500"}')
    sli = SlicedSli(inner, Duration.of(minutes=5), Decimal("0.9"), "bad")
    engine = Engine(series, since=300_000)
    failed, total = (
        sum(as_vector(engine.ask(query, 120 * 60_000)).values())
        for query in (sli.bad("2h", "increase"), sli.total("2h", "increase"))
    )

    assert (failed, total) == (bad, bad + 12)
