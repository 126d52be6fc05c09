"""A disk that takes nothing more, under `tocsin serve` and its log: people are told all the same, and once."""

import resource

import pytest
from tests.e2e.conftest import Evaluator, Lab, until
from tests.e2e.test_serve import everybody_knows, everybody_relieved

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        not hasattr(resource, "prlimit"), reason="only Linux can take the disk from a process that runs"
    ),
]


def full(evaluator: Evaluator, *, on: bool = True) -> None:
    """No file of the process may grow any more, its log among them: each write fails, as on a full disk."""
    pid = evaluator.process.pid
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0 if on else hard, hard))


def spoil(lab: Lab) -> None:
    """Write nonsense over the whole database and its log."""
    for name in ("state.db", "state.db-wal"):
        with (lab.folder / name).open("r+b") as file:
            length = file.seek(0, 2)
            file.seek(0)
            file.write(b"nonsense" * (length // 8))


def failures(evaluator: Evaluator) -> float:
    """Evaluations that could not be stored."""
    return evaluator.metric("tocsin_commit_failures_total")


def messages(lab: Lab) -> tuple[int, int, int]:
    """Mails of the begin, mails of the end, and what Slack got of both."""
    return len(lab.subjects("FIRING")), len(lab.subjects("RESOLVED")), len(lab.slack())


def test_a_whole_incident_on_a_full_disk(lab: Lab) -> None:
    """Page and end go out past the outbox; with space again both are on the record, and nothing is told twice."""
    evaluator = lab.serve()
    until(lambda: evaluator.get("/readyz").status_code == 200, "ready")
    full(evaluator)
    lab.exporter.level = 10
    until(lambda: everybody_knows(lab), "the page on every channel")
    until(lambda: failures(evaluator) > 2, "evaluations that could not be stored")
    ready = evaluator.get("/readyz")

    assert ready.status_code == 503
    assert not ready.json()["checks"]["store"]["ok"]

    lab.exporter.level = 0
    until(lambda: everybody_relieved(lab), "the end on every channel")
    full(evaluator, on=False)
    until(lambda: evaluator.get("/readyz").status_code == 200, "ready again")
    evaluator.ticks(3)
    [episode] = [alert for alert in evaluator.alerts(status="resolved") if "FaultLevel" in alert["title"]]

    assert messages(lab) == (1, 1, 2)
    assert [page.json["dedup_key"] for page in (*lab.pages("trigger"), *lab.pages("resolve"))] == [episode["id"]] * 2
    assert evaluator.stop() == 0


def test_a_page_before_and_its_end_after(lab: Lab) -> None:
    """The disk fills while an alert fires, the process is killed on it: the next one knows of the page, and ends it."""
    evaluator = lab.serve()
    lab.exporter.level = 10
    until(lambda: everybody_knows(lab), "the page on every channel")
    until(lambda: evaluator.metric('tocsin_outbox_depth{channel="pagerduty"}') == 0, "the deliveries are settled")
    full(evaluator)
    until(lambda: failures(evaluator) > 2, "evaluations that could not be stored")
    evaluator.kill()
    again = lab.serve()
    again.ticks(2)
    lab.exporter.level = 0
    until(lambda: everybody_relieved(lab), "the end on every channel")

    assert messages(lab) == (1, 1, 2)
    assert lab.pages("trigger")[0].json["dedup_key"] == lab.pages("resolve")[0].json["dedup_key"]


def test_a_file_that_is_broken_under_it(lab: Lab) -> None:
    """Nonsense in the place of the database: people are told all the same, once; a start on it says what is wrong."""
    evaluator = lab.serve()
    until(lambda: evaluator.get("/readyz").status_code == 200, "ready")
    spoil(lab)
    lab.exporter.level = 10
    until(lambda: everybody_knows(lab), "the page on every channel")
    until(lambda: failures(evaluator) > 0, "an evaluation that could not be stored")
    lab.exporter.level = 0
    until(lambda: everybody_relieved(lab), "the end on every channel")

    assert evaluator.get("/readyz").status_code == 503
    assert messages(lab) == (1, 1, 2)
    assert evaluator.stop() == 0

    again = lab.launch()
    assert again.process.wait(30) == 2
    assert "state.db does not work: " in again.log.read_text().splitlines()[-1]
