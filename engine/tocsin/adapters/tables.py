"""The tables of the store as SQLAlchemy sees them; the migrations create them."""

from typing import Any

from sqlalchemy import BigInteger, Column, Double, LargeBinary, MetaData, Table, Text

METADATA = MetaData()

SCHEMA_MIGRATIONS = Table(
    "schema_migrations",
    METADATA,
    Column("version", BigInteger, primary_key=True),
    Column("name", Text, nullable=False),
    Column("applied_at", BigInteger, nullable=False),
)

EVALUATOR = Table(
    "evaluator",
    METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("committed_at", BigInteger),
    Column("pruned_at", BigInteger),
    Column("last_outbox_id", BigInteger, nullable=False),
)

ALERTS = Table(
    "alerts",
    METADATA,
    Column("rule", Text, primary_key=True),
    Column("labels", Text, primary_key=True),
    Column("state", Text, nullable=False),
)

EPISODES = Table(
    "episodes",
    METADATA,
    Column("dedup_key", Text, primary_key=True),
    Column("service", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("fired_at", BigInteger),
    Column("resolved_at", BigInteger),
    Column("seen", Text, nullable=False),
)

CONVERSATIONS = Table(
    "conversations",
    METADATA,
    Column("channel", Text, primary_key=True),
    Column("route", Text, primary_key=True),
    Column("labels", Text, primary_key=True),
    Column("state", Text, nullable=False),
)

OUTBOX = Table(
    "outbox",
    METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("recipient", Text, nullable=False, server_default=""),
    Column("dedup_key", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("action", Text, nullable=False),
    Column("urgency", BigInteger, nullable=False),
    Column("message", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("first_due", BigInteger, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("leased_until", BigInteger),
    Column("token", BigInteger, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    Column("unknowns", BigInteger, nullable=False),
    Column("settled_at", BigInteger),
    Column("detail", Text, nullable=False),
    Column("turn", BigInteger, nullable=False, server_default="0"),
    Column("receipt", Text, nullable=False, server_default=""),
    Column("fell_to", Text),
    Column("fell_alone", BigInteger, nullable=False, server_default="0"),
)

SILENCES = Table(
    "silences",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("ends_at", BigInteger, nullable=False),
    Column("silence", Text, nullable=False),
)

RECEIVED = Table(
    "received",
    METADATA,
    Column("fingerprint", Text, primary_key=True),
    Column("ends_at", BigInteger, nullable=False),
    Column("claim", Text, nullable=False),
)

LEASES = Table(
    "leases",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("standby", Text, nullable=False, server_default=""),
    Column("standby_until", BigInteger, nullable=False, server_default="0"),
)

CANARIES = Table(
    "canaries",
    METADATA,
    Column("channel", Text, primary_key=True),
    Column("sent_at", BigInteger, nullable=False),
    Column("delivered_at", BigInteger),
    Column("open", BigInteger, nullable=False),
)

ACKNOWLEDGEMENTS = Table(
    "acknowledgements",
    METADATA,
    Column("dedup_key", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("acknowledgement", Text, nullable=False),
)

LEDGER = Table(
    "ledger",
    METADATA,
    Column("ref", Text, primary_key=True),
    Column("day", BigInteger, primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("step", BigInteger, nullable=False),
    Column("written_at", BigInteger, nullable=False),
    Column("superseded_at", BigInteger),
    Column("chunk", LargeBinary, nullable=False),
)


def _trail(name: str, *owner: Column[Any], figures: type[BigInteger | Double[float]]) -> Table:
    """Exclusions of contracts or of objectives, as migrations 0004 and 0011 make them."""
    which = (Column("starts_at", BigInteger, primary_key=True), Column("ends_at", BigInteger, primary_key=True))
    what = (Column("treat", Text, primary_key=True), Column("reason", Text, primary_key=True))
    took = (Column(each, figures, nullable=False) for each in ("removed", "forgiven", "spared"))
    since = (Column("first_at", BigInteger, nullable=False), Column("last_at", BigInteger, nullable=False))
    return Table(name, METADATA, *owner, *which, *what, *took, *since, Column("withdrawn_at", BigInteger))


EXCLUSIONS = _trail(
    "exclusions",
    Column("sla", Text, primary_key=True),
    Column("period_start", BigInteger, primary_key=True),
    figures=BigInteger,
)
OBJECTIVE_EXCLUSIONS = _trail("objective_exclusions", Column("ref", Text, primary_key=True), figures=Double)
