"""Two evaluators on one PostgreSQL: one tells people, the other takes over within two intervals."""

import html
import signal
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
import requests
from tests.e2e.conftest import Evaluator, Lab, Prometheus, until
from tests.postgres import Postgres, binaries

from tocsin.adapters.children import free_port

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(180),
    pytest.mark.skipif(binaries() is None, reason="there is no PostgreSQL on this machine"),
]
INTERVAL = 3.0


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """One server for all tests of this module."""
    made = Postgres()
    made.start()
    yield made
    made.close()


@pytest.fixture
def database(server: Postgres) -> str:
    """An empty database."""
    import psycopg

    name = f"t{time.monotonic_ns()}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.url.removesuffix("postgres") + name


def replica(lab: Lab, database: str, name: str, prometheus: Prometheus | None = None) -> Evaluator:
    """One evaluator on the shared state, with a log and if need be a Prometheus of its own."""
    arguments = [
        str(lab.rules), "--prometheus", (prometheus or lab.prometheus).url, "--state", database,
        "--listen", "127.0.0.1:0", "--interval", f"{INTERVAL:g}s",
    ]  # fmt: skip
    evaluator = Evaluator(arguments, lab.environ, lab.folder / f"{name}.log")
    lab.stack.callback(evaluator.close)
    return evaluator.ready()


def leads(evaluator: Evaluator) -> bool:
    """What it says of itself; the first answer without a store may take too long."""
    with suppress(requests.Timeout):
        return evaluator.metric("tocsin_leads") == 1
    return False


def two(lab: Lab, database: str) -> tuple[Evaluator, Evaluator]:
    """One that leads and one that stands by, both warm."""
    first, second = replica(lab, database, "a"), replica(lab, database, "b")
    first.ticks(1)
    second.ticks(1)
    assert (leads(first), leads(second)) == (True, False)
    return first, second


def pages(lab: Lab) -> tuple[int, int]:
    """Triggers and resolves at PagerDuty, each key once: it joins copies itself."""
    return tuple(len({p.json["dedup_key"] for p in lab.pages(action)}) for action in ("trigger", "resolve"))  # type: ignore[return-value]


def test_the_one_that_stands_by_takes_over_within_two_intervals(lab: Lab, database: str) -> None:
    """Kill -9 of the leader while an alert fires: no second page; the end comes from the other one, once."""
    first, second = two(lab, database)
    lab.exporter.level = 10
    until(lambda: lab.subjects("FIRING") and lab.pages("trigger"), "the page")
    until(lambda: first.metric('tocsin_outbox_depth{channel="email"}') == 0, "settled")
    assert [alert["status"] for alert in second.alerts(status="active") if "FaultLevel" in alert["title"]] == ["active"]
    first.kill()
    killed = time.monotonic()
    until(lambda: leads(second), "a take-over", 2 * INTERVAL + 10)
    took = time.monotonic() - killed
    second.ticks(1)
    lab.exporter.level = 0
    until(lambda: lab.subjects("RESOLVED") and lab.pages("resolve"), "the end")
    second.ticks(2)

    assert took < 2 * INTERVAL
    assert (len(lab.subjects("FIRING")), len(lab.subjects("RESOLVED"))) == (1, 1)
    assert (len(lab.pages("trigger")), len(lab.pages("resolve"))) == (1, 1)


def test_a_stop_gives_the_lead_away(lab: Lab, database: str) -> None:
    """SIGTERM: the other one leads at its next question, without waiting for the lease to end."""
    first, second = two(lab, database)
    assert first.stop() == 0
    until(lambda: leads(second), "a take-over", INTERVAL)


def test_one_that_was_suspended_is_fenced_off(lab: Lab, database: str) -> None:
    """SIGSTOP for longer than the lease, then on: it writes nothing more, follows, and no page comes twice."""
    first, second = two(lab, database)
    first.process.send_signal(signal.SIGSTOP)
    until(lambda: leads(second), "a take-over", 2 * INTERVAL + 10)
    lab.exporter.level = 10
    until(lambda: lab.subjects("FIRING") and lab.pages("trigger"), "the page, from the other one")
    first.process.send_signal(signal.SIGCONT)
    until(lambda: not leads(first), "the first one follows")
    first.ticks(2)
    lab.exporter.level = 0
    until(lambda: lab.subjects("RESOLVED"), "the end")
    first.ticks(1)

    assert (len(lab.subjects("FIRING")), len(lab.subjects("RESOLVED"))) == (1, 1)
    assert first.stop() == second.stop() == 0


@pytest.mark.parametrize(("away", "back"), [("stop", "start"), ("suspend", "resume")])
def test_without_the_store_both_lead_and_say_so(lab: Lab, away: str, back: str) -> None:
    """PostgreSQL is gone, or silent: an alert pages, its words say that it may be a repeat, and one incident opens."""
    server = Postgres()
    lab.stack.callback(server.close)
    server.start()
    first, second = two(lab, server.url)
    getattr(server, away)()
    until(lambda: leads(first) and leads(second), "both lead", 4 * INTERVAL + 30)
    lab.exporter.level = 10
    until(lambda: len(lab.subjects("FIRING")) == 2, "both tell")
    until(lambda: lab.pages("trigger"), "the page")
    texts = [mail.text for mail in lab.inbox.mails if "FaultLevel" in mail.subject]

    assert pages(lab)[0] == 1  # the same key, whoever sends it
    assert ["another evaluator may have sent this, too" in text for text in texts] == [True, True]
    ready = second.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]["lease"]["ok"]) == (503, False)

    getattr(server, back)()
    until(lambda: leads(first) != leads(second), "one leads again")
    lab.exporter.level = 0
    until(lambda: pages(lab)[1] == 1, "the end, once for the incident")


def test_a_fault_that_begins_as_the_store_goes(lab: Lab) -> None:
    """The database's host takes a service with it: what either of them opens is closed, and every page says so."""
    server = Postgres()
    lab.stack.callback(server.close)
    server.start()
    first, second = two(lab, server.url)
    server.stop()
    lab.exporter.level = 10
    until(lambda: leads(first) and leads(second), "both lead", 4 * INTERVAL + 30)
    until(lambda: len(lab.subjects("FIRING")) == 2, "both tell")
    server.start()
    until(lambda: leads(first) != leads(second), "one leads again")
    first.ticks(2)
    lab.exporter.level = 0
    until(lambda: lab.subjects("RESOLVED"), "the end")
    first.ticks(3)

    opened, closed = (sorted({p.json["dedup_key"] for p in lab.pages(action)}) for action in ("trigger", "resolve"))
    assert opened == closed
    assert len(closed) == len(lab.pages("resolve"))
    texts = [mail.text for mail in lab.inbox.mails if "FIRING" in mail.subject and "FaultLevel" in mail.subject]
    assert ["another evaluator may have sent this, too" in text for text in texts] == [True] * len(texts)


def test_a_blind_leader_gives_the_lease_to_one_that_sees(lab: Lab, database: str) -> None:
    """Each has a Prometheus of its own, and the leader's is killed: the other one leads, and pages what it sees."""
    other = Prometheus(lab.folder / "other", lab.exporter.port)
    lab.stack.callback(other.kill)
    other.start()
    first, second = replica(lab, database, "a"), replica(lab, database, "b", other)
    second.ticks(3)
    assert (leads(first), leads(second)) == (True, False)
    lab.prometheus.kill()
    until(lambda: leads(second) and not leads(first), "the lease is given away", 60)
    lab.exporter.level = 10
    until(lambda: lab.subjects("FIRING"), "the page")
    reason = first.get("/readyz").json()["checks"]["lease"]["reason"]
    first.ticks(2)

    assert "this one gave the lease away: its metric source has not answered since" in reason
    assert reason.split(" UTC")[0] in html.unescape(first.get("/").text)
    assert len(lab.subjects("FIRING")) == 1
    assert any("gives the lease away" in event["event"] for event in first.events())

    other.kill()  # now both are blind: nothing changes, and nobody waits for the other one
    second.ticks(5)
    assert (leads(first), leads(second)) == (False, True)


def test_a_leader_that_reaches_nobody_gives_the_lease_to_another(lab: Lab, database: str) -> None:
    """Its way out is closed, for each channel that has something to say; the other one's is open."""
    open_ways, closed = lab.environ, str(free_port())
    lab.environ = open_ways | {"INBOX_PORT": closed, "RECEIVER_URL": f"http://127.0.0.1:{closed}"}
    first = replica(lab, database, "a")
    lab.environ = open_ways
    second = replica(lab, database, "b")
    second.ticks(3)
    assert (leads(first), leads(second)) == (True, False)
    lab.exporter.level = 10
    until(lambda: leads(second) and not leads(first), "the lease is given away", 120)
    until(lambda: lab.subjects("FIRING") and lab.pages("trigger") and lab.slack(), "the page", 120)

    reason = first.get("/readyz").json()["checks"]["lease"]["reason"]
    assert "it reaches nobody: email, pagerduty, slack only fail" in reason
