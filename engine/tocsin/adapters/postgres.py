"""PostgreSQL that does not answer: every wait for it ends, so that an evaluator goes on without its state.

A server that refuses says so at once. One that is gone from the network, hangs, or waits for somebody who hangs says
nothing, and the driver would wait for hours: for a connection, for an answer (by the clock of this process, for what is
suspended still acknowledges what it gets), for a lock. A transaction of ours that nobody ends, because its process was
suspended in the middle of it, is ended by the server, or no other evaluator could ever lead.

A tick asks several times, over several connections. Only the first one waits in full: while a server is known to be
silent nobody connects to it for a moment, and the others wait for a second.
"""

import time
from collections.abc import Generator
from contextlib import suppress
from functools import cache
from typing import Any

from sqlalchemy import Engine, event

CONNECT_SECONDS, CANCEL_SECONDS = 3, 1.0
ANSWER_SECONDS = 8.0
"""No statement of ours takes as long: a storm of ten thousand alerts is stored in a few seconds. Whoever scrapes our
metrics waits for ten, and those of the outbox are asked for then."""
ONCE_SILENT_SECONDS = 1.0
PAUSE_SECONDS = 5.0
"""Between two attempts to connect to a server that is silent."""
LOCK_MS = 5_000
"""As long as SQLite waits (`database.BUSY_TIMEOUT_MS`)."""
IDLE_MS = 30_000
_KEEPALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
_silent: dict[str, float] = {}
"""Until when (by the monotonic clock) each server is known to be."""


def bounded(engine: Engine) -> None:
    """Let no wait for the server of *engine* last; what its URL says of these settings holds."""
    if engine.driver != "psycopg":
        return
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "connect", _limit)


def _connect(_dialect: Any, _record: Any, positional: Any, named: dict[str, Any]) -> Any:
    import psycopg  # noqa: PLC0415

    place = f"{named.get('host')}:{named.get('port')}"
    if _is_silent(place):
        raise psycopg.OperationalError("it did not answer a moment ago")
    try:
        made = _bounded_connection().connect(*positional, **({"connect_timeout": CONNECT_SECONDS} | _KEEPALIVE | named))
    except psycopg.errors.ConnectionTimeout:
        _silent[place] = time.monotonic() + PAUSE_SECONDS
        raise
    _silent.pop(place, None)
    made.place = place
    return made


def _is_silent(place: str) -> bool:
    return time.monotonic() < _silent.get(place, 0.0)


@cache
def _bounded_connection() -> Any:
    """A class of the driver, which is no dependency: it is there only where it is used."""
    import psycopg  # noqa: PLC0415

    class Bounded(psycopg.Connection):
        """Gives up, and hangs up, when an answer takes too long."""

        place = ""

        def wait(self, gen: Any, *more: Any, **options: Any) -> Any:
            return super().wait(self._within(gen), *more, **options)

        def _within(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
            """The same generator, which the driver wakes each tenth of a second, until the time is up."""
            began, ready = time.monotonic(), None
            while True:
                try:
                    wanted = gen.send(ready)
                except StopIteration as done:
                    return done.value
                limit = ONCE_SILENT_SECONDS if _is_silent(self.place) else ANSWER_SECONDS
                if time.monotonic() > began + limit:
                    gen.close()
                    self._give_up()
                    raise psycopg.OperationalError(f"no answer within {limit:g} s")
                ready = yield wanted

        def _give_up(self) -> None:
            """Have the statement cancelled, so that it keeps no lock where the server only is slow, and hang up."""
            try:
                self.cancel_safe(timeout=CANCEL_SECONDS)
            except psycopg.Error:
                _silent[self.place] = time.monotonic() + PAUSE_SECONDS
            with suppress(psycopg.Error):
                self.close()

    return Bounded


def _limit(connection: Any, _record: Any) -> None:
    """In the session and not in the greeting, which some poolers refuse."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {LOCK_MS}")
        cursor.execute(f"SET idle_in_transaction_session_timeout = {IDLE_MS}")
    connection.commit()
