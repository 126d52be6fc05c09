"""Work on many things by as many processes as the machine has cores, where that pays and the system can fork."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

LEAST = 64
"""Below so many things the processes cost more than they save."""

_work: tuple[Callable[[Any], Any], Sequence[Any]] | None = None
"""What the children of a fork find: nothing has to be copied to them, so nothing has to be picklable but results."""


def spread(function: Callable[[T], R], things: Sequence[T]) -> list[R]:
    """Call *function* for each of *things*, and return its results in their order.

    With threads beside the caller, or on a system without fork, one after the other. What a child raises is raised.
    """
    global _work  # noqa: PLW0603  # how a fork hands over what it shares
    jobs = cores()
    alone = threading.active_count() == 1 and "fork" in multiprocessing.get_all_start_methods()
    if len(things) < LEAST or jobs < 2 or not alone or _work is not None:
        return [function(thing) for thing in things]
    _work = (function, things)
    try:
        with multiprocessing.get_context("fork").Pool(jobs) as pool:
            return list(pool.imap(_one, range(len(things)), chunksize=16))
    finally:
        _work = None


def _one(index: int) -> Any:
    if _work is None:  # cannot be: a child is forked while it is set
        raise AssertionError(index)
    function, things = _work
    return function(things[index])


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
