"""Work on many things by as many processes as the machine has cores, where that pays and the system can fork."""

import contextlib
import errno
import gc
import os
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess
    from multiprocessing.queues import SimpleQueue

T = TypeVar("T")
R = TypeVar("R")

LEAST = 64
"""Below so many things the processes cost more than they save."""
TURNS = 8
"""Of each process: few, so that two seldom look at the same memory, and enough for them to end together."""

_Outcome = list[tuple[int, list[R]]] | Exception
"""Results of some turns, each with the index of its first thing; or what went wrong."""


def spread(function: Callable[[T], R], things: Sequence[T]) -> list[R]:
    """Call *function* for each of *things*, and return its results in their order.

    With threads beside the caller, or on a system without fork, one after the other. What a child raises is raised.
    The caller works too: memory that a child shares with it is copied wherever one of them counts a reference, so a
    process that only waits would hold a third copy of everything.
    """
    jobs = cores()
    if len(things) < LEAST or jobs < 2 or threading.active_count() > 1:
        return [function(thing) for thing in things]
    import multiprocessing  # noqa: PLC0415  # few commands have so much to do

    if "fork" not in multiprocessing.get_all_start_methods() or multiprocessing.parent_process() is not None:
        return [function(thing) for thing in things]
    fork = multiprocessing.get_context("fork")
    turns: SimpleQueue[range | None] = fork.SimpleQueue()
    length = -(-len(things) // (jobs * TURNS))
    for first in range(0, len(things), length):
        turns.put(range(first, min(first + length, len(things))))
    for _ in range(jobs):
        turns.put(None)
    gc.freeze()  # looking for rings writes into every object, and so copies all memory that is shared
    children: list[tuple[BaseProcess, Connection]] = []
    try:
        for _ in range(jobs - 1):
            ours, theirs = fork.Pipe(duplex=False)
            child: BaseProcess = fork.Process(target=_help, args=(function, things, turns, theirs))
            child.start()
            theirs.close()
            children.append((child, ours))
        outcomes: list[_Outcome[R]] = [_outcome(function, things, turns)]
        outcomes.extend(_received(ours) for _, ours in children)
    finally:
        for child, ours in children:
            ours.close()
            child.join()
        gc.unfreeze()
    done = [turn for outcome in outcomes for turn in _or_raise(outcome)]
    return [result for _, results in sorted(done, key=lambda turn: turn[0]) for result in results]


def _outcome(function: Callable[[T], R], things: Sequence[T], turns: "SimpleQueue[range | None]") -> _Outcome[R]:
    """Take turns until there are none."""
    done: list[tuple[int, list[R]]] = []
    try:
        while (turn := turns.get()) is not None:
            done.append((turn.start, [function(things[index]) for index in turn]))
    except Exception as error:  # noqa: BLE001  # raised when all have ended
        return error
    return done


def _help(
    function: Callable[[T], R], things: Sequence[T], turns: "SimpleQueue[range | None]", results: "Connection"
) -> None:
    """What a child does; nothing is copied to it, so that nothing has to be picklable but what it sends back."""
    with contextlib.suppress(KeyboardInterrupt):  # the caller hears of it too
        results.send(_outcome(function, things, turns))


def _received(results: "Connection") -> _Outcome[R]:
    try:
        outcome: _Outcome[R] = results.recv()
    except EOFError:
        return ChildProcessError(errno.ECHILD, "a process that helped was ended")
    return outcome


def _or_raise(outcome: _Outcome[R]) -> list[tuple[int, list[R]]]:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
