"""What grows where it must not: memory, files, threads, over many evaluations; and what a first start does at once."""

import gc
import threading
import weakref
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest
from tests import builders
from tests.alerts import NOON, channel, notifications, route, seconds, view
from tests.fakes import FakeSource, HandClock
from tests.talks import Talk

from tocsin.adapters.store import SqlStore
from tocsin.evaluate.memory import Memory
from tocsin.evaluate.tick import Watch
from tocsin.matchers import parse_matchers
from tocsin.notify.muting import Inhibition, Muting
from tocsin.ports import Action
from tocsin.service.board import Board, Standing
from tocsin.service.detour import Detour
from tocsin.service.loop import Evaluator
from tocsin.service.scheduler import Due
from tocsin.service.telemetry import Telemetry

STEP = timedelta(seconds=15)


class Nobody:
    """Does not deliver."""

    def wake(self) -> None:
        """Do nothing."""


class Rig:
    """An evaluator of two alerts, one of which comes and goes, with a source that forgets what is old."""

    def __init__(self, path: Path, wait: int = 0) -> None:
        flapping = builders.alert("Flaps", value="level", above="5", severity="critical")
        steady = builders.alert("Steady", value="other", above="5")
        workspace = builders.workspace(builders.service(alerts=(flapping, steady)))
        self.store, self.source, self.clock = SqlStore(str(path)), FakeSource(), HandClock(NOON)
        self.evaluator = Evaluator(
            watch=Watch(workspace, interval=STEP),
            notifications=notifications(channel("email"), route("email", wait=wait)),
            memory=Memory(),
            source=self.source,
            store=self.store,
            deliverer=Nobody(),
            board=Board(Standing(workspace, STEP, NOON)),
            telemetry=Telemetry("0"),
            clock=self.clock,
            detour=Detour({}, self.clock),
        )

    def tick(self, level: float) -> None:
        """Show *level*, evaluate the next slot."""
        self.clock.at += STEP
        self.source.series.clear()
        self.source.asked.clear()
        for name in ("level", "other"):
            self.source.add({"__name__": name, "job": "shop"}, [(self.clock.at, level if name == "level" else 1.0)])
        self.evaluator.tick(Due(self.clock.at))


def weight() -> tuple[int, int, int]:
    """Objects, open files, threads.

    Weak references to what is gone are left out: a connection of sqlite3 drops those to its cursors at every 200th.
    """
    gc.collect()
    held = sum(not isinstance(item, weakref.ReferenceType) or item() is not None for item in gc.get_objects())
    return held, len(list(Path("/dev/fd").iterdir())), threading.active_count()


def weighed(path: Path, first: int, more: int) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """What is held after *first* evaluations, and after *more* of them."""
    rig = Rig(path)
    for number in range(first):
        rig.tick(10 * (number // 4 % 2))
    before = weight()
    for number in range(more):
        rig.tick(10 * (number // 4 % 2))
    return before, weight()


def grown(path: Path, first: int, more: int) -> None:
    """Compare both in a process of its own: what other tests left behind opens and closes files when it likes."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
        before, after = alone.submit(weighed, path, first, more).result()

    assert after[0] - before[0] < more / 10
    assert after[1] <= before[1]
    assert after[2] <= before[2]


def test_nothing_grows_with_evaluations(tmp_path: Path) -> None:
    """A thousand ticks with an alert that comes and goes hold no more objects, files or threads than two hundred."""
    grown(tmp_path / "state.db", 200, 800)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_nothing_grows_with_a_hundred_thousand_evaluations(tmp_path: Path) -> None:
    """Seventeen days of ticks."""
    grown(tmp_path / "state.db", 1_000, 100_000)


def test_what_was_over_before_anybody_was_told_is_in_the_history(tmp_path: Path) -> None:
    """Fires and resolves within group_wait: no message, but on the record."""
    rig = Rig(tmp_path / "state.db", wait=60)
    for level in (1, 10, 1, 1, 1, 1, 1):
        rig.tick(level)
    later = rig.clock.at + STEP
    [episode] = rig.store.history(status="resolved")

    assert episode.fired_at == NOON + 2 * STEP
    assert rig.store.lease("email", later, later + STEP, 9) == ()
    rig.store.close()


def test_a_first_start_amid_trouble_makes_one_message_and_minds_inhibition() -> None:
    """500 alerts that have fired for a day are new to us: one message, and no tickets below a page."""
    fast = Inhibition(parse_matchers("tier=fast"), parse_matchers("tier=slow"), ("slo",))
    muting, talk = Muting((), (fast,)), Talk(notifications(channel("email"), route("email", wait=30)))
    views = tuple(
        view(f"{tier}{n}", labels=(("slo", f"s{n}"), ("tier", tier)), fired=NOON - timedelta(days=1))
        for n in range(250)
        for tier in ("fast", "slow")
    )
    early = [talk.tick(at, *muting.over(views, NOON + seconds(at))) for at in (0, 15)]
    [(_, action, told)] = talk.tick(30, *muting.over(views, NOON + seconds(30)))

    assert early == [[], []]
    assert (action, len(told), {key[:4] for key in told}) == (Action.FIRE.value, 250, {"fast"})
