"""The state of an evaluator as somebody reads it who changes nothing, whether that evaluator runs or not."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from tocsin.adapters import outbox_rows
from tocsin.adapters.canary_store import canaries_in
from tocsin.adapters.database import open_engine, reading, schema_versions
from tocsin.adapters.lease import leader
from tocsin.adapters.outbox_rows import DEAD, PENDING
from tocsin.adapters.silence_store import silences_in
from tocsin.adapters.store import memory_in
from tocsin.errors import UnavailableError
from tocsin.evaluate.memory import Letter, Memory, OutboxDepth
from tocsin.notify.canary import Canary
from tocsin.notify.silences import Silence

MOST_LETTERS = 10_000


@dataclass(frozen=True, slots=True)
class State:
    """All of one moment; *leader* is the evaluator that leads now, empty where none does."""

    schema: int
    leader: str
    memory: Memory
    depths: tuple[OutboxDepth, ...]
    dead: tuple[Letter, ...]
    pending: tuple[Letter, ...]
    silences: tuple[Silence, ...]
    canaries: Mapping[str, Canary]


def read_state(url_or_path: str) -> State:
    """Read it; raises UnavailableError for what is no state, or one of another schema than this release knows."""
    engine = open_engine(url_or_path, readonly=True)
    try:
        with reading(engine) as connection:
            return _read(connection, url_or_path)
    finally:
        engine.dispose()


def _read(connection: Connection, url_or_path: str) -> State:
    schema, known = schema_versions(connection)
    if schema == 0:
        raise UnavailableError("--state is a database, but none of Tocsin", hint="`tocsin serve` makes one")
    if schema != known:
        newer = schema > known
        hint = "run the release that wrote it" if newer else "the next start of `tocsin serve` brings it up to date"
        raise UnavailableError(f"the state has schema {schema}, this release reads {known}", hint=hint)
    return State(
        schema,
        leader(connection, url_or_path),
        memory_in(connection),
        outbox_rows.depths(connection),
        outbox_rows.letters(connection, DEAD, MOST_LETTERS),
        outbox_rows.letters(connection, PENDING, MOST_LETTERS),
        silences_in(connection),
        canaries_in(connection),
    )
