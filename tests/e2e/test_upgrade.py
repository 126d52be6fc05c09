"""An upgrade, and a downgrade, while alerts fire: `tocsin serve` on state that an earlier release left behind.

`states/<schema>.sql` is what `tocsin serve` of the last commit with that schema had stored (`.dump` of SQLite) when it
was killed with `kill -9`, on DEFINITIONS below: FaultLevel fires and was told by mail and to PagerDuty, the message to
Slack hangs, Warm is pending.
"""

import json
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.conftest import DEFINITIONS as SHOP
from tests.e2e.conftest import Lab, until

from tocsin.adapters.codec import instant, microseconds
from tocsin.adapters.store import SqlStore

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

STATES = sorted((Path(__file__).parent / "states").glob("*.sql"))
DEFINITIONS = (
    SHOP.replace('fault_level{job="shop"}', 'max(fault_level{job="shop"})')
    + """\
  Warm:
    value: max(fault_level{job="shop"})
    above: 5
    for: 1h
    severity: warning
    notify: [email]
    summary: It is warm
"""
)
_ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?\+00:00"


def named(*parts: str) -> str:
    """A key as these releases made them."""
    return sha256("\x00".join(parts).encode()).hexdigest()[:40]


def shifted(text: str, by: timedelta) -> str:
    """A dump as it would be had all happened later; conversations and episodes are named by when they began."""
    for channel, opened in re.findall(rf"INTO \"conversations\" VALUES\('(\w+)',.*\"opened_at\":\"({_ISO})\"", text):
        old, new = (
            named(repr((channel, "*", (("service", "shop"),), microseconds(at))))
            for at in (datetime.fromisoformat(opened), datetime.fromisoformat(opened) + by)
        )
        text = text.replace(old, new)
    for began in set(re.findall(rf"\"started_at\":\"({_ISO})\"", text)):
        old, new = (
            named("shop/FaultLevel", "1", at.isoformat())
            for at in (datetime.fromisoformat(began), datetime.fromisoformat(began) + by)
        )
        text = text.replace(old, new)
    text = re.sub(_ISO, lambda match: (datetime.fromisoformat(match[0]) + by).isoformat(), text)
    more = int(by / timedelta(microseconds=1))
    return re.sub(r"\b1[78]\d{14}\b", lambda match: str(int(match[0]) + more), text)


def leave_behind(lab: Lab, dump: Path) -> None:
    """The state as *dump* has it, a minute ago, and a service that is still in trouble."""
    text = dump.read_text(encoding="utf-8")
    (committed,) = re.findall(r'INTO "evaluator" VALUES\(1,(\d+)', text)
    ago = datetime.now(UTC) - timedelta(minutes=1) - instant(int(committed))
    with closing(sqlite3.connect(lab.folder / "state.db")) as state:
        state.executescript(shifted(text, ago))
    lab.write("shop.yaml", DEFINITIONS)
    lab.exporter.level = 10
    until(lambda: bool(lab.prometheus.query("fault_level == 10")), "the fault is seen")


def contents(lab: Lab) -> list[str]:
    """All rows."""
    with closing(sqlite3.connect(lab.folder / "state.db")) as state:
        return list(state.iterdump())


def states(lab: Lab) -> dict[str, Any]:
    """The stored state of each rule."""
    with closing(sqlite3.connect(lab.folder / "state.db")) as state:
        return {rule: json.loads(text) for rule, text in state.execute("SELECT rule, state FROM alerts")}


def told(lab: Lab) -> tuple[list[str], list[str], int]:
    """Subjects of mails, PagerDuty's actions and keys, and the number of messages to Slack."""
    pages = [r.json for r in lab.receiver.requests if r.service == "pagerduty"]
    subjects = [mail.subject.split()[0] for mail in lab.inbox.mails]
    return subjects, [f"{page['event_action']} {page['dedup_key']}" for page in pages], len(lab.slack())


def key(lab: Lab) -> str:
    """What PagerDuty knows the incident by."""
    with closing(sqlite3.connect(lab.folder / "state.db")) as state:
        return str(state.execute("SELECT dedup_key FROM outbox WHERE channel = 'pagerduty'").fetchone()[0])


def until_closed(lab: Lab) -> None:
    """Wait until each channel has the end."""
    until(lambda: all(told(lab)) and told(lab)[2] > 1, "the end on every channel")


@pytest.mark.parametrize("dump", STATES, ids=lambda dump: dump.stem)
def test_an_upgrade_goes_on_with_what_fires(lab: Lab, dump: Path) -> None:
    """No RESOLVED, no second page; what had hung goes out, what is pending goes on; one end, by the same key."""
    leave_behind(lab, dump)
    before, page = states(lab), key(lab)
    evaluator = lab.serve()
    until(lambda: bool(lab.slack()), "what hung goes out")
    evaluator.ticks(2)
    now = states(lab)

    assert told(lab) == ([], [], 1)
    assert {rule: state["phase"] for rule, state in now.items()} == {
        "shop/FaultLevel": "firing",
        "shop/Warm": "pending",
    }
    assert now["shop/Warm"]["active_at"] == before["shop/Warm"]["active_at"]
    assert now["shop/Warm"]["held"] > before["shop/Warm"]["held"]

    lab.exporter.level = 0
    until_closed(lab)
    evaluator.ticks(2)
    evaluator.stop()
    with closing(sqlite3.connect(lab.folder / "state.db")) as state:
        keys = dict(state.execute("SELECT channel, count(DISTINCT dedup_key) FROM outbox GROUP BY channel"))
        became = set(state.execute("SELECT status FROM outbox"))

    assert told(lab) == (["[RESOLVED]"], [f"resolve {page}"], 2)
    assert keys == {"email": 1, "slack": 1, "pagerduty": 1}
    assert became == {("sent",)}


def test_a_downgrade_leaves_the_state_alone(lab: Lab) -> None:
    """It says which release is needed, tells nobody anything, changes nothing; the newer release then goes on."""
    leave_behind(lab, STATES[-1])
    page = key(lab)
    SqlStore(str(lab.folder / "state.db")).close()
    with closing(sqlite3.connect(lab.folder / "state.db")) as state, state:
        state.execute("INSERT INTO schema_migrations VALUES (99, '0099_future.sql', 0)")
    before = contents(lab)
    older = lab.launch()
    code, said = older.process.wait(30), older.log.read_text()

    assert code == 2
    assert re.search(r"tocsin: the state store .*state\.db has schema 99, this release knows \d+\n", said)
    assert "hint: run the release that wrote it, or a newer one" in said
    assert contents(lab) == before

    with closing(sqlite3.connect(lab.folder / "state.db")) as state, state:
        state.execute("DELETE FROM schema_migrations WHERE version = 99")
    newer = lab.serve()
    until(lambda: bool(lab.slack()), "what hung goes out")
    newer.ticks(2)
    assert told(lab) == ([], [], 1)

    lab.exporter.level = 0
    until_closed(lab)
    assert told(lab) == (["[RESOLVED]"], [f"resolve {page}"], 2)
