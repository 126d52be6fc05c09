"""Commits that are killed: each child of this process ends itself with `kill -9`, one statement later than the last.

The argument is the store. A line of JSON for each child says whether it was killed, and what the store holds then.
"""

import json
import os
import signal
import sys
from contextlib import closing
from itertools import count

from sqlalchemy import event
from tests.alerts import NOON, message, text, view

from tocsin.adapters.store import SqlStore
from tocsin.evaluate.memory import Commit, GroupEpisode, GroupKey, GroupState
from tocsin.evaluate.model import AlertState, Identity, Phase, Timing
from tocsin.ports import labels_of
from tocsin.units import Duration

STATE = AlertState(Timing(Duration.of(minutes=1), Duration(0)), Phase.FIRING, 1)
GROUP = GroupKey("email", "*", labels_of({"service": "shop"}))
COMMIT = Commit(
    NOON,
    {Identity("shop/a"): STATE, Identity("shop/b"): STATE},
    (view("a"), view("b")),
    {GROUP: GroupState(NOON, (GroupEpisode(text(), NOON, announced=True),), NOON, 1)},
    (message(key="a"), message("slack", key="a")),
)


def dying(where: str, after: int) -> None:
    """Commit; before statement number *after*, the end of the transaction among them, the process is no more."""
    store, done = SqlStore(where), 0

    def step(*_: object) -> None:
        nonlocal done
        if done == after:
            os.kill(os.getpid(), signal.SIGKILL)
        done += 1

    for name in ("before_cursor_execute", "commit"):
        event.listen(store._engine, name, step)
    store.commit(COMMIT)
    store.close()


def held(where: str) -> list[object]:
    """Alerts, conversations, episodes and messages in the store, and when it was written."""
    with closing(SqlStore(where)) as store:
        memory, depths = store.load(), store.depths()
        counted = [len(memory.alerts), len(memory.groups), len(store.history()), sum(one.pending for one in depths)]
        return [*counted, str(memory.committed_at)]


def main(where: str) -> None:
    """Until one lives to the end."""
    SqlStore(where).close()
    for after in count():
        child = os.fork()
        if not child:
            dying(where, after)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status)
        print(json.dumps({"killed": killed, "code": status, "held": held(where)}), flush=True)  # noqa: T201
        if not killed:
            break


if __name__ == "__main__":
    main(sys.argv[1])
