"""A Prometheus of our own over a file of samples, and what becomes of files that it cannot read."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tocsin.adapters.embedded import answers, embedded
from tocsin.adapters.openmetrics import MetricsError
from tocsin.adapters.prometheus_http import PrometheusSource

pytestmark = pytest.mark.real
GOOD = "# TYPE hits counter\nhits_total 1 1000000000\nhits_total 2.5 1000000015.5\n# EOF\n"


def write(folder: Path, text: str) -> Path:
    """A file with samples."""
    path = folder / "history.om"
    path.write_text(text, encoding="utf-8")
    return path


def test_it_holds_the_samples_of_the_file_and_is_gone_afterwards(tmp_path: Path) -> None:
    """It answers with old samples, knows when the first and the last was taken, and leaves no process behind."""
    with embedded(write(tmp_path, GOOD)) as running, closing(PrometheusSource(running.url)) as source:
        rows = source.instant("hits_total", running.last).rows

    assert running.first == datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)
    assert (running.last - running.first).total_seconds() == 15.5
    assert [row.value for row in rows] == [2.5]
    assert not answers(f"{running.url}/-/ready")


MORE = "# TYPE hits counter\n" + "".join(f"hits_total {k} {1000000000 + 15 * k}\n" for k in range(5))


@pytest.mark.parametrize(
    ("text", "line", "why", "hint"),
    [
        (
            "hits_total 1 1793491200000\nhits_total 2 1793491215000\n# EOF\n",
            1,
            "1793491200000 seconds are thousands of years from now",
            "write unix seconds, not milliseconds: 1793491200",
        ),
        (
            "hits_total 1 1.7934912e+12\n# EOF\n",
            1,
            "1.7934912e+12 seconds are thousands of years from now",
            "write unix seconds, not milliseconds: 1793491200",
        ),
        (
            "hits_total 1 1000000000\nhits_total 2 17934912000\n# EOF\n",
            2,
            "17934912000 seconds are hundreds of years from now",
            "times are unix seconds, up to 2199",
        ),
        (
            "hits_total 1 1.7934912e+09\nhits_total 2 1e300\n# EOF\n",
            2,
            "1e300 seconds are thousands of years from now",
            "times are unix seconds, up to 2199",
        ),
        (
            f"{MORE}hits_total 6 1000000020\nhits_total 6 1000000015\nhits_total 7 1000000090\n# EOF\n",
            7,
            "the sample is older than the one before it of its series, as is 1 more",
            "write the samples of each series in order of time, each once",
        ),
        (
            f"{MORE}hits_total 6 1000000060\n# EOF\n",
            7,
            "the sample has the time of the one before it of its series, and another value",
            "write the samples of each series in order of time, each once",
        ),
        (
            'a_total{x="1",y="2"} 1 1000000015\na_total{y="2",x="1"} 1 1000000000\n# EOF\n',
            2,
            "the sample is older than the one before it of its series",
            "write the samples of each series in order of time, each once",
        ),
    ],
)
def test_what_promtool_drops_is_a_finding(tmp_path: Path, text: str, line: int, why: str, hint: str) -> None:
    """It takes milliseconds for seconds, and leaves out what is out of order, all without a word."""
    with pytest.raises(MetricsError) as caught, embedded(write(tmp_path, text)):
        pass
    finding = caught.value.finding

    assert (finding.span.line, finding.message, finding.hint, finding.severity) == (line, why, hint, "error")


def test_a_sample_that_is_there_twice_is_odd(tmp_path: Path) -> None:
    """It changes nothing, so the file is read, and the first of them is told."""
    with embedded(write(tmp_path, f"{MORE}hits_total 4 1000000060\n# EOF\n")) as running:
        assert running.odd is not None
        assert (running.odd.finding.span.line, running.odd.finding.severity) == (7, "warning")
        assert running.odd.finding.message == "1 sample is there twice; each counts once"


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("hits_total 1 1000000000\nhits_total zz 1000000015\n# EOF\n", 2, "'zz' is no number"),
        ("hits_total 1\n# EOF\n", 1, "the sample has no time"),
        ("hits_total 1 1000000000\n\nhits_total 2 1000000015\n# EOF\n", 2, "an empty line"),
        ("hits_total 1 1000000000\n", 1, "the file does not end with `# EOF`: it may have been cut off"),
        ("hits-total 1 1000000000\n# EOF\n", 1, "this is no sample"),
        ('hits_total{a="1",b="2",a="1"} 1 1000000000\n# EOF\n', 1, "the label 'a' is there twice"),
        ("hits_total 1 -1000000000\n# EOF\n", 1, "the time -1000000000 is before 1970"),
        (
            "hits_total 1 1000000000\r\n# EOF\r\n",
            1,
            "the line ends with a carriage return: write line ends as LF alone",
        ),
        ("# EOF\n", 1, "it holds no sample"),
        ("", 1, "it holds no sample"),
    ],
)
def test_a_faulty_file_is_a_finding_with_a_place(tmp_path: Path, text: str, line: int, why: str) -> None:
    """Promtool says what is wrong, but not where."""
    with pytest.raises(MetricsError) as caught, embedded(write(tmp_path, text)):
        pass

    assert (caught.value.finding.span.line, caught.value.finding.message) == (line, why)
