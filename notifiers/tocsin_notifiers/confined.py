"""Templates of a workspace, filled in a process of their own that can be ended: `python -m tocsin_notifiers.confined`.

A sandbox keeps a template from everything but its words; only the system keeps it from time and memory. The process
starts with an empty environment (no secrets), takes 0.1 CPU seconds to start, and says what it made as JSON.
"""

import json
import os
import pickle
import resource
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any

from tocsin.errors import TocsinError
from tocsin.ports import Notification
from tocsin_notifiers import filling

SECONDS = 5.0
"""For one message in all; a machine that is busy needs more than one for the start alone."""
CPU_SECONDS = 2
MEMORY = 512 * 2**20
"""Bytes of address space, of which the interpreter has some 100 million."""
REST = 60.0
"""Seconds for which a template that was stopped is left alone: it would hold up each message anew."""
TOO_LONG = f"it was stopped: it takes more than {CPU_SECONDS} s or {MEMORY // 2**20} MiB"

_stopped: dict[str, float] = {}
"""When each template was stopped last."""


class TemplateError(TocsinError):
    """A template made nothing."""


def fill(template: str, clean: Notification, now: datetime) -> tuple[str, bool]:
    """Fill it; also whether it tells the notes by itself. Raises TemplateError for whatever goes wrong."""
    if time.monotonic() < _stopped.get(template, -REST) + REST:
        raise TemplateError("it was stopped lately")
    try:
        text, notes = _asked("fill", template, clean, now)
    except subprocess.TimeoutExpired:
        _stopped[template] = time.monotonic()
        raise TemplateError(TOO_LONG) from None
    return text, notes


def misfits(template: str, labels: Iterable[str] = ()) -> tuple[filling.Misfit, ...]:
    """What is wrong with it, as far as it can be told without a real alert; *labels* are those that are known."""
    try:
        found = _asked("misfits", template, frozenset(labels))
    except (subprocess.TimeoutExpired, TemplateError) as error:
        why = TOO_LONG if isinstance(error, subprocess.TimeoutExpired) else str(error)
        return (filling.in_line(template, 1, "", f"the template fails for a sample alert: {why}"),)
    return tuple(filling.Misfit(*one) for one in found)


def _asked(*job: object) -> Any:
    """Have the process do *job*; TimeoutExpired also where it was ended for the time or memory that it took."""
    paths = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, "-P", "-m", __name__]
    environment = {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, input=pickle.dumps(job), capture_output=True, timeout=SECONDS, check=False, env=environment
        )
    except OSError as error:
        raise TemplateError(f"no process for it could be started: {error.strerror}") from error
    if done.returncode or not done.stdout:
        raise subprocess.TimeoutExpired(command, SECONDS)
    answer = json.loads(done.stdout)
    if "failed" in answer:
        raise TemplateError(answer["failed"])
    return answer["made"]


def _do(job: tuple[Any, ...]) -> Any:
    kind, template, *rest = job
    if kind == "misfits":
        return [[o.start, o.end, o.message, o.hint, o.doubtful] for o in filling.misfits(template, *rest)]
    return [filling.filled(template, *rest), "notes" in filling.names(template)]


def main() -> None:
    """Read a job from stdin, do it within limits, and print what came of it."""
    job = pickle.load(sys.stdin.buffer)  # noqa: S301  # what our own process wrote
    for what, most in ((resource.RLIMIT_CPU, CPU_SECONDS), (resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CORE, 0)):
        with suppress(ValueError, OSError):  # not every system has every limit
            resource.setrlimit(what, (most, most))
    try:
        answer = {"made": _do(job)}
    except MemoryError:
        sys.exit(1)
    except Exception as error:  # noqa: BLE001  # whatever a template does wrong is told
        answer = {"failed": f"{type(error).__name__}: {error}"[:500]}
    sys.stdout.buffer.write(json.dumps(answer).encode())


if __name__ == "__main__":
    main()
