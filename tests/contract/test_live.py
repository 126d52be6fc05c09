"""Live checks: what a server knows of the metrics that definitions name, of a real Prometheus and of a fake."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from tests.backfilled import backfilled

from tocsin.adapters.prometheus_live import PrometheusLive
from tocsin.checks import Subject
from tocsin.cli.main import run
from tocsin.errors import SourceError, SourceUnreachableError
from tocsin.live import cardinality, cost, run_live_checks
from tocsin.plan import plan
from tocsin.ports import Answer
from tocsin.workspace import Source, read_workspace

START = datetime(2026, 11, 1, tzinfo=UTC)
AT = START + timedelta(hours=2)
SERIES = {
    'http_requests_total{job="shop",status="200"}': range(120),
    'http_requests_total{job="shop",status="500"}': range(120),
    'http_requests_total{job="pay",status="200"}': range(120),
    'old_total{job="shop"}': range(30),
    'request_seconds_bucket{job="shop",le="0.1"}': range(120),
    'request_seconds_bucket{job="shop",le="0.5"}': range(120),
    'request_seconds_bucket{job="shop",le="+Inf"}': range(120),
    'request_seconds_count{job="shop"}': range(120),
    'queue_depth{job="shop"}': range(120),
}
DEFINITIONS = """\
apiVersion: tocsin/v1
kind: Service
name: shop
slis:
  speed: {latency: {histogram: 'request_seconds{job="shop"}', within: 300ms}}
  quick: {latency: {histogram: 'request_seconds{job="shop"}', within: 500ms}}
slos:
  speed: {sli: speed, target: 99%}
  quick: {sli: quick, target: 99%}
alerts:
  Fine: {expr: 'rate(http_requests_total{job="shop",status="500"}[5m]) > 1', severity: warning}
  Never: {expr: 'rate(http_reqests_total{job="shop"}[5m]) > 1', severity: warning}
  Gone: {expr: 'rate(old_total{job="shop"}[5m]) > 1', severity: warning}
  OtherValue: {expr: 'rate(http_requests_total{job="shap"}[5m]) > 1', severity: warning}
  NotAtOnce: {expr: 'rate(http_requests_total{job="pay",status="500"}[5m]) > 1', severity: warning}
  OtherLabel: {expr: 'rate(http_requests_total{state="500"}[5m]) > 1', severity: warning}
  GaugeRate: {expr: 'rate(queue_depth{job="shop"}[5m]) > 1', severity: warning}
"""
EXPECTED = {
    ("Never", "live/series", "the server has no series of http_reqests_total", "did you mean http_requests_total?"),
    ("Gone", "live/series", "old_total is gone: the server had series of it within 1w, and has none now", None),
    (
        "OtherValue",
        "live/series",
        'http_requests_total has series, but none with job="shap"',
        "there are shop and pay",
    ),
    ("NotAtOnce", "live/series", "http_requests_total has series, but none with all of these labels at once", None),
    ("OtherLabel", "live/label", "no series of http_requests_total has a label state", "did you mean status?"),
    ("speed", "live/bucket", "no bucket on the server ends at 0.3 s", "the nearest end at 0.1 s and 0.5 s"),
}


def openmetrics() -> str:
    """The samples as text, one a minute."""
    lines, family = [], ""
    for series, values in sorted(SERIES.items()):
        if (name := series.partition("{")[0]) != family:
            family = name
            lines.append(f"# TYPE {name} unknown")
        lines += [f"{series} {n} {(START + timedelta(minutes=n)).timestamp():.0f}" for n in values]
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real server whose database was filled before it started."""
    with backfilled(tmp_path_factory.mktemp("live"), openmetrics()) as address:
        yield address


def subject(text: str = DEFINITIONS) -> Subject:
    """The definitions."""
    workspace, misread = read_workspace([Source("shop.yaml", text)])
    planned, unplanned = plan(workspace)
    return Subject(workspace, planned, (*misread, *unplanned))


def found(source: object, text: str = DEFINITIONS) -> set[tuple[str, str, str, str | None]]:
    """What is found, by the definition it stands in."""
    findings, error = run_live_checks(subject(text), source, AT - timedelta(minutes=1))  # type: ignore[arg-type]
    lines = text.splitlines()

    assert error is None
    return {(lines[f.span.line - 1].split(":")[0].strip(), f.code, f.message, f.hint) for f in findings}


@pytest.mark.real
def test_what_a_real_server_shows(url: str) -> None:
    """Metrics that are misspelt or gone, other values and labels, buckets that are not there."""
    with closing(PrometheusLive(url)) as source:
        assert found(source) == EXPECTED


@pytest.mark.real
def test_cardinality_and_cost(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server counts series and samples itself."""
    monkeypatch.setattr(cardinality, "MOST", 1)
    monkeypatch.setattr(cost, "MOST", 9)
    text = DEFINITIONS.partition("slis:")[0] + "alerts:\n  A: {expr: 'http_requests_total > 1e9', severity: info}\n"
    text += "  B: {expr: 'rate(http_requests_total{job=\"pay\"}[10m]) > 1e9', severity: info}\n"
    with closing(PrometheusLive(url)) as source:
        said = {(name, code, message) for name, code, message, _ in found(source, text)}

    assert said == {
        ("A", "live/cardinality", "this selects 3 series, which are read at every evaluation"),
        ("B", "live/cost", "one evaluation of this reads 11 samples"),
    }


@pytest.mark.real
def test_few_questions(url: str) -> None:
    """Thirty selectors are asked about in a handful of queries."""
    asked = []

    class Counting(PrometheusLive):
        def instant(self, query: str, at: datetime) -> Answer:
            asked.append(query)
            return super().instant(query, at)

    many = "".join(
        f"  A{n}: {{expr: 'http_requests_total{{status=\"{n}\"}} > 1', severity: info}}\n" for n in range(30)
    )
    with closing(Counting(url)) as source:
        found(source, DEFINITIONS.partition("slis:")[0] + "alerts:\n" + many)

    assert len(asked) <= 8


@dataclass
class Fake:
    """A server in memory: types, and errors that it gives."""

    metadata: Mapping[str, frozenset[str]] = field(default_factory=dict)
    down_after: int = 10**6
    refuses: str = "\0"
    asked: int = 0

    def _ask(self, query: str = "") -> None:
        self.asked += 1
        if self.asked > self.down_after:
            raise SourceUnreachableError("connection refused")
        if self.refuses in query:
            raise SourceError("query processing would load too many samples")

    def instant(self, query: str, at: datetime) -> Answer:
        """Nothing is there."""
        self._ask(query)
        return Answer((), at)

    def samples(self, query: str, at: datetime) -> int:
        """It costs nothing."""
        self._ask(query)
        return 0

    def names(self) -> tuple[str, ...]:
        """No metric."""
        self._ask()
        return ()

    def labels(self, metric: str) -> tuple[str, ...]:
        """No label."""
        self._ask()
        return ()

    def types(self) -> Mapping[str, frozenset[str]]:
        """What targets say."""
        self._ask()
        return self.metadata


def test_types_of_targets() -> None:
    """The rate of what targets call a gauge."""
    types = {"queue_depth": frozenset({"gauge"}), "http_requests_total": frozenset({"counter"})}
    said = {(name, message) for name, code, message, _ in found(Fake(types)) if code == "live/type"}

    assert said == {("GaugeRate", "queue_depth is a gauge to its targets, and rate() is not for one")}


def test_targets_that_do_not_agree() -> None:
    """Then nothing is said."""
    types = {"queue_depth": frozenset({"gauge", "counter"})}

    assert not [code for _, code, _, _ in found(Fake(types)) if code == "live/type"]


def test_one_question_that_fails() -> None:
    """It is left out, and what was asked with it is asked again."""
    said = found(Fake(refuses="old_total"))

    assert "Gone" not in {name for name, code, _, _ in said if code == "live/series"}
    assert "Never" in {name for name, code, _, _ in said if code == "live/series"}
    assert (
        "Gone",
        "live/cost",
        "the server cannot evaluate this: query processing would load too many samples",
        None,
    ) in said


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_server_that_goes(after: int) -> None:
    """What was found until then is told, and the error once."""
    source = Fake(down_after=after)
    _, error = run_live_checks(subject(), source, AT)

    assert str(error) == "connection refused"
    assert source.asked == after + 1


def test_a_server_that_is_not_there(tmp_path: object, capsys: pytest.CaptureFixture[str]) -> None:
    """All other findings are printed, then one message, exit code 2."""
    file = f"{tmp_path}/shop.yaml"
    with open(file, "w", encoding="utf-8") as out:  # noqa: PTH123
        out.write(DEFINITIONS.replace("speed, target", "sped, target"))
    code = run(["check", file, "--no-promtool", "--prometheus", "http://127.0.0.1:1"])
    said = capsys.readouterr()

    assert code == 2
    assert "[reference/unknown-sli]" in said.out
    assert "tocsin: http://127.0.0.1:1: connection refused" in said.err
    assert "1 file: not finished, Prometheus did not answer" in said.err


@pytest.mark.real
def test_deadline_of_all_questions(url: str) -> None:
    """A slow server does not hold up a pipeline."""
    with closing(PrometheusLive(url, total=0.0)) as source:
        _, error = run_live_checks(subject(), source, AT)

    assert str(error) == "took more than 0 s for all questions"
