"""Work that is spread over processes gives what one process would."""

import os
import signal
import threading
import time

import pytest

from tocsin.adapters import spread as module
from tocsin.adapters.spread import LEAST, spread


def test_results_keep_their_order() -> None:
    """Whoever finishes first, results stand where their things do."""
    things = list(range(5 * LEAST))

    assert [thing * thing for thing in things] == spread(lambda thing: thing * thing, things)


def test_few_things_stay_in_this_process() -> None:
    """A process that starts another for three files is slower than one that does not."""
    assert [os.getpid()] * 3 == spread(lambda _: os.getpid(), [1, 2, 3])


def test_many_things_use_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are cores and things enough, another process does some of the work, and this one too."""
    monkeypatch.setattr(module, "cores", lambda: 2)
    monkeypatch.setattr(threading, "active_count", lambda: 1)

    def slowly(_: int) -> int:
        time.sleep(0.01)
        return os.getpid()

    workers = spread(slowly, list(range(LEAST)))

    assert len(workers) == LEAST
    assert os.getpid() in workers
    assert len(set(workers)) == 2


def test_a_child_that_is_killed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the system takes a process away, what it wrote is not known; nobody waits for it for ever."""
    monkeypatch.setattr(module, "cores", lambda: 2)
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    own = os.getpid()

    def die(_: int) -> None:
        time.sleep(0.01)
        if os.getpid() != own:
            os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(ChildProcessError, match="was ended"):
        spread(die, list(range(LEAST)))


def test_what_a_child_raises_is_raised() -> None:
    """A full disk in a child is the caller's affair."""

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device", "rules.yml")

    with pytest.raises(OSError, match="No space") as raised:
        spread(fail, list(range(LEAST)))

    assert raised.value.filename == "rules.yml"
