"""Conditions of alerts: which kind is meant, and whether its parts fit together."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from tocsin.spec.condition import Absence, Anomaly, Composite, Condition, Forecast, LevelShift, Part, Plain, Threshold
from tocsin.spec.readers.node import Node, Reference
from tocsin.units import Duration

_WITHIN = Duration.of(hours=4)
_HISTORY = Duration.of(hours=6)
_SEASON = Duration.of(days=7)
_USUAL = Duration.of(days=2)
_AFTER = Duration.of(minutes=30)
_SHORTEST, _LONGEST = Duration.of(minutes=5), Duration.of(hours=6)
FEWEST, MOST = 24, 336
"""Stretches of a level shift's history: with fewer nobody knows what is usual; a week has 336 half hours."""
_BOUNDS = ("above", "below", "clear_below", "clear_above")


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why there is no condition."""

    message: str
    hint: str


def read_condition(node: Node, service: str) -> Condition | None:
    """Read the one condition that an alert has; None, with a finding, where it has none or too many."""
    kinds = [kind for kind, keys in _KEYS.items() if any(key in node for key in keys)]
    found = _misfit(node, kinds) or _READERS[kinds[0]](node, service)
    if isinstance(found, Wrong):
        node.report("alert/condition", f"alert {node.name} {found.message}", found.hint, span=node.key_span)
        return None
    return found


def _misfit(node: Node, kinds: list[str]) -> Wrong | None:
    """What does not go together, whatever the kind."""
    if not kinds:
        return Wrong("has no condition", f"add value with above or below, or one of {', '.join(_OTHERS)}")
    if kinds == ["value", "expr"]:
        return Wrong("has both a value and an expr", "keep value with above or below, or keep expr alone")
    if len(kinds) > 1:
        keys = [next(key for key in _KEYS[kind] if key in node) for kind in kinds]
        return Wrong(f"has several conditions: {', '.join(keys)}", "write one alert for each")
    [kind] = kinds
    bounds = " and ".join(key for key in _BOUNDS if key in node)
    if kind == "expr" and bounds:
        return Wrong(
            f"has an expr, which is a condition already, and {bounds}", f"drop {bounds}, or write value instead of expr"
        )
    if kind != "value" and bounds:
        return Wrong(f"has {kind}, with which {bounds} does not go", f"drop {bounds}")
    if kind != "value" and node["on_missing"].text("keep") == "fire":
        more = "; an expr without a row is simply not true" if kind == "expr" else ""
        return Wrong(
            f"has on_missing: fire, which is about a value without a row{more}",
            "write value with above or below, or add 'or absent(…)' to the expr" if kind == "expr" else "leave it out",
        )
    return None


def _threshold(node: Node, _: str) -> Condition | Wrong | None:
    limits = [key for key in ("above", "below") if key in node]
    if not limits:
        return Wrong("has a value and nothing to compare it with", "add above or below")
    if len(limits) > 1:
        return Wrong("has both above and below", "write two alerts, one for each")
    value, above, below = node["value"].promql(), node["above"].quantity(), node["below"].quantity()
    clear_key, other = ("clear_below", "clear_above") if "above" in node else ("clear_above", "clear_below")
    if other in node:
        return Wrong(f"has {limits[0]} and {other}", f"write {clear_key} instead")
    clear = node[clear_key].quantity()
    limit = above if above is not None else below
    if clear is not None and limit is not None and (clear > limit if above is not None else clear < limit):
        beyond = "greater" if above is not None else "less"
        node[clear_key].report(
            "alert/hysteresis",
            f"{clear_key} {node[clear_key].value} is {beyond} than {limits[0]} {node[limits[0]].value}, "
            "so the alert would end and begin again at once",
            f"write a value on the quiet side of {limits[0]}",
        )
        return None
    return Threshold(value, above, below, clear) if value and limit is not None else None


def _plain(node: Node, _: str) -> Condition | None:
    expr = node["expr"].promql()
    return Plain(expr) if expr else None


def _composite(node: Node, service: str) -> Condition | Wrong | None:
    if "all_of" not in node and "any_of" not in node:
        return Wrong("has none_of alone, so it fires while all is well", "add all_of or any_of")
    lists = [tuple(_parts(node[key], service)) for key in ("all_of", "any_of", "none_of")]
    return Composite(*lists) if lists[0] or lists[1] else None


def _parts(node: Node, service: str) -> Iterator[Part]:
    for entry in node.elements():
        text = entry.text()
        ref = text if "/" in text else f"{service}/{text}"
        owner, colon, tier = ref.partition(":")
        if owner.count("/") == 1 and text:  # the schema tells about any other form
            entry.notes.references.append(Reference("slo" if tier else "alert", owner, entry.span, colon + tier))
            yield Part(ref, entry.span)


def _absence(node: Node, _: str) -> Condition | None:
    series = node["absent"].promql()
    return Absence(series) if series else None


def _forecast(node: Node, _: str) -> Condition | Wrong | None:
    own = node["forecast"]
    limits = [key for key in ("above", "below") if key in own]
    if len(limits) != 1:
        what = "both above and below" if limits else "neither above nor below"
        return Wrong(f"has a forecast with {what}", "give one of them: what must not be crossed")
    series, above, below = own["series"].promql(), own["above"].quantity(), own["below"].quantity()
    within, history = own["within"].duration(_WITHIN), own["history"].duration(_HISTORY)
    confidence = own["confidence"].ratio() if "confidence" in own else None
    if confidence is not None and not Decimal("0.5") <= confidence < 1:
        own["confidence"].report(
            "alert/confidence", f"confidence {own['confidence'].value} is not from 50% to below 100%", "write 95%"
        )
        return None
    return (
        Forecast(series, above, below, within, history, confidence) if series and (above or below) is not None else None
    )


def _anomaly(node: Node, _: str) -> Condition | None:
    own = node["anomaly"]
    series = own["series"].promql()
    deviations = own["deviations"].number() if "deviations" in own else Decimal(3)
    margin = own["margin"].ratio() if "margin" in own else Decimal("0.05")
    if series is None or deviations is None or deviations <= 0 or margin is None:
        return None
    return Anomaly(series, own["season"].duration(_SEASON), deviations, own["direction"].text("both"), margin)


def _level_shift(node: Node, _: str) -> Condition | None:
    own = node["level_shift"]
    series = own["series"].promql()
    deviations = own["deviations"].number() if "deviations" in own else Decimal(5)
    margin = own["margin"].ratio() if "margin" in own else Decimal("0.05")
    history, after = own["history"].duration(_USUAL), own["after"].duration(_AFTER)
    if series is None or deviations is None or deviations <= 0 or margin is None:
        return None
    if after.milliseconds % 60_000 or not _SHORTEST <= after <= _LONGEST:
        hint = f"write whole minutes, from {_SHORTEST} to {_LONGEST}; the default is {_AFTER}"
        own["after"].report("alert/history", f"after {after} is no stretch that a level is measured over", hint)
        return None
    if not FEWEST * after.milliseconds <= history.milliseconds <= MOST * after.milliseconds:
        least, most = (Duration(count * after.milliseconds) for count in (FEWEST, MOST))
        own["history"].report(
            "alert/history",
            f"a history of {history} is {history.milliseconds / after.milliseconds:.4g} times as long as after "
            f"({after}), and has to be {FEWEST} to {MOST} times as long",
            f"with after: {after} write a history from {least} to {most}",
        )
        return None
    return LevelShift(series, history, after, deviations, own["direction"].text("both"), margin)


_Reader = Callable[[Node, str], Condition | Wrong | None]
_READERS: dict[str, _Reader] = {
    "value": _threshold,
    "expr": _plain,
    "all_of": _composite,
    "absent": _absence,
    "forecast": _forecast,
    "anomaly": _anomaly,
    "level_shift": _level_shift,
}
_KEYS: dict[str, tuple[str, ...]] = {kind: (kind,) for kind in _READERS} | {"all_of": ("all_of", "any_of", "none_of")}
_OTHERS = tuple(kind for kind in _READERS if kind != "value")
