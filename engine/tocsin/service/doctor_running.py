"""`tocsin doctor --url`: what a running service says of itself, over its public API."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from tocsin.adapters.running import Running
from tocsin.evaluate.memory import Letter
from tocsin.evaluate.own import SENDERS
from tocsin.matchers import LabelMatcher
from tocsin.notify.silences import Silence
from tocsin.ports import HEARTBEAT
from tocsin.service.alertmanager.shapes import GettableSilence
from tocsin.service.app import Ready
from tocsin.service.deliveries import Deliveries, DeliveryOf
from tocsin.service.doctor import MOST_NAMES, Symptom, count, of_letters, of_silences
from tocsin.service.shapes import Status

LONG_WAIT = timedelta(minutes=5)
MISSED_BEATS = 2
"""In a row; one may be lost on its way."""
MOST_LETTERS = 1000
"""As many as one request may ask for."""

REMEDIES = {
    "tick": "its log says why; `kill -TERM` and a start lose nothing",
    "store": "make room on the disk or mend the database; it evaluates from memory until then",
    "source": "ask that Prometheus from the evaluator's host; rules are blind until it answers, not resolved",
    "delivery": "its log says why; a restart begins new workers, and the outbox loses nothing",
    "lease": "mend the way to the database; until then several evaluators may tell the same",
}
"""What to do about each check of `/readyz`."""


def of_running(service: Running, looked_at: list[str]) -> Iterator[Symptom]:
    """All of it, question by question; *looked_at* gets a line for each thing that answered."""
    now = datetime.now(UTC)
    yield from of_readiness(service.told("/readyz", Ready, also=503))
    status = service.told("/api/v1/status", Status)
    last = f"last evaluation at {status.at:%Y-%m-%d %H:%M:%S} UTC" if status.at else "nothing evaluated yet"
    looked_at.append(f"{service.where}: Tocsin {status.version}, {last}")
    yield from of_status(status)
    metrics = service.metrics()
    channels = sorted(channel for name, channel in metrics if name == "tocsin_delivery_worker_up")
    depth = sum(value for (name, channel), value in metrics.items() if _waits(name, channel))
    looked_at.append(
        f"{service.where}: channels {', '.join(channels) or 'none'}; {count(int(depth), 'message')} to send"
    )
    yield from of_metrics(metrics, _last_words(service))
    dead = service.told(f"/api/v1/deliveries?status=dead&limit={MOST_LETTERS}", Deliveries)
    yield from of_letters([_letter(each) for each in dead.deliveries], now)
    silences = [_silence(each) for each in service.told("/api/v2/silences", list[GettableSilence])]
    active = sum(silence.state(now) != "expired" for silence in silences)
    looked_at.append(f"{service.where}: {count(active, 'silence')}")
    yield from of_silences(silences, now)


def of_readiness(ready: Ready) -> Iterator[Symptom]:
    """What `/readyz` has to say; a follower's leader and a receiver that is away are worth a word."""
    for name, check in ready.checks.items():
        if not check.ok:
            yield Symptom(weight="wrong", part=name, what=check.reason, remedy=REMEDIES.get(name, ""))
        elif check.reason and name != "delivery":  # its breakers are told with the metrics
            yield Symptom(weight="note", part=name, what=check.reason)


def of_status(status: Status) -> Iterator[Symptom]:
    """Rules that cannot be looked at, and senders that say nothing."""
    if status.blind:
        rules = ", ".join(f"{each.rule} ({each.reason})" for each in status.blind[:MOST_NAMES])
        more = f" and {len(status.blind) - MOST_NAMES} more" if len(status.blind) > MOST_NAMES else ""
        what = f"blind, so they could not fire: {rules}{more}"
        remedy = "`tocsin check PATH --prometheus URL` says which metrics or labels are not there"
        yield Symptom(weight="wrong", part="rules", what=what, remedy=remedy)
    for alert in status.alerts:
        if alert.rule == SENDERS.id:
            remedy = "look after that Prometheus, or close its alerts by hand: `amtool alert add … --end=…`"
            yield Symptom(weight="wrong", part="senders", what=f"{alert.title}: {alert.description}", remedy=remedy)


def _last_words(service: Running) -> dict[str, str]:
    """What came last of the messages that wait for a channel, where anything did."""
    waiting = service.told(f"/api/v1/deliveries?status=pending&limit={MOST_LETTERS}", Deliveries).deliveries
    return {each.channel: each.detail for each in reversed(waiting) if each.detail}


def of_metrics(metrics: dict[tuple[str, str], float], last_words: Mapping[str, str]) -> Iterator[Symptom]:
    """A reload that failed, channels that only fail, messages that wait for long, a heartbeat that does not arrive."""
    if metrics.get(("tocsin_config_last_reload_successful", "")) == 0:
        remedy = "`tocsin check PATH` shows what is wrong; mend it and send SIGHUP"
        what = "the last reload failed, older definitions are in use"
        yield Symptom(weight="wrong", part="definitions", what=what, remedy=remedy)
    beats = metrics.get(("tocsin_delivery_failures_in_a_row", HEARTBEAT), 0)
    if beats >= MISSED_BEATS:
        what = f"the last {beats:g} heartbeats did not arrive, so whoever waits for them takes this evaluator for dead"
        remedy = "its log says what --heartbeat answered: `grep heartbeat`; the URL may be wrong, or that host away"
        yield Symptom(weight="wrong", part="heartbeat", what=what, remedy=remedy)
    for (name, channel), value in sorted(metrics.items()):
        said = f": {last_words[channel]}" if channel in last_words else ""
        if name == "tocsin_delivery_breaker_state" and value > 0 and channel != HEARTBEAT:
            remedy = "look whether the receiver is away, or the key or address is wrong: `GET /api/v1/deliveries`"
            what = f"{channel} only fails, and is tried now and then{said}"
            yield Symptom(weight="wrong", part="delivery", what=what, remedy=remedy)
        waits = timedelta(seconds=value) if name == "tocsin_outbox_oldest_seconds" else timedelta()
        if waits > LONG_WAIT and channel != HEARTBEAT:
            depth = metrics.get(("tocsin_outbox_depth", channel), 0)
            what = f"{depth:g} messages wait for {channel}, the oldest for {waits.total_seconds():.0f} s{said}"
            remedy = "`GET /api/v1/deliveries?status=pending` has them, with what the receiver answered last"
            yield Symptom(weight="wrong", part="delivery", what=what, remedy=remedy)


def _waits(name: str, channel: str) -> bool:
    return name == "tocsin_outbox_depth" and channel != HEARTBEAT


def _letter(shown: DeliveryOf) -> Letter:
    return Letter(
        shown.channel,
        shown.key,
        shown.action,
        shown.status,
        tuple(shown.alerts),
        shown.created_at,
        shown.settled_at,
        shown.attempts,
        shown.detail,
        shown.fallback,
        shown.recipient or "",
    )


def _silence(shown: GettableSilence) -> Silence:
    matchers = tuple(LabelMatcher(m.name, m.value, m.is_regex, not m.is_equal) for m in shown.matchers)
    start, end = shown.starts_at, shown.ends_at
    return Silence(shown.id, matchers, start, end, shown.created_by, shown.comment, shown.updated_at)
