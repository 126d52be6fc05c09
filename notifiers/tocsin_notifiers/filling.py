"""A workspace's own template, filled or judged: in a sandbox, and only inside a process of its own (`confined`).

Templates can loop for ever and fill the memory (`9 ** 9 ** 9` does so when it is compiled), which no sandbox prevents.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import cache
from traceback import walk_tb

from jinja2 import StrictUndefined, TemplateSyntaxError, meta, nodes

from tocsin.ports import Action, AlertText, Notification
from tocsin_notifiers.message import FILTERS, cleaned, printable, words_of
from tocsin_notifiers.pairs import METHODS, PairsEnvironment, asked_labels, paired

LONGEST = 50_000
"""Characters of what a template makes; receivers have limits of their own below it."""
_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_MUCH_ALIKE = 0.8
"""One letter of five is another one."""
_ATTRIBUTE = re.compile(r"'([\w.]+)(?: object)?' has no attribute '(\w+)'")
_FIELDS = tuple(field.name for field in fields(AlertText))
_HINTS = {
    "AlertText": f"an alert has {', '.join(_FIELDS)}",
    "Pairs": f"it has {', '.join(METHODS)}; a value stands as labels.name or labels['name']",
    "list": "it is a list of alerts: {% for alert in firing + resolved %}",
    "datetime": "it is a time: {{ alert.started_at | moment }}",
}
"""What there is, by the type of what was asked."""
_EMPTY = "firing is empty when all is over, resolved while all fires: write (firing + resolved)[0], or {% if firing %}"


@dataclass(frozen=True, slots=True)
class Misfit:
    """What is wrong with the characters [start, end) of a template."""

    start: int
    end: int
    message: str
    hint: str | None = None
    doubtful: bool = False
    """It may be meant so."""


def filled(template: str, clean: Notification, now: datetime) -> str:
    """Fill *template* for a notification that is `cleaned` already; raises whatever goes wrong, also if it is empty."""
    words = words_of(replace(clean, alerts=tuple(map(paired, clean.alerts))), now)
    text = printable(_environment().from_string(template).render(words), LONGEST).strip()
    if not text:
        raise ValueError("it is empty")
    return text


def misfits(template: str, labels: Collection[str] = ()) -> tuple[Misfit, ...]:
    """Everything that is wrong with *template*, as far as it can be told without a real alert.

    *labels* are those that the definitions know; alerts have others, too, so one that looks like them is in doubt.
    """
    try:
        tree = _environment().parse(template)
        _environment().from_string(template)
    except TemplateSyntaxError as error:
        return (in_line(template, error.lineno, "", f"the template is not well formed: {error.message}"),)
    known = words_of(SAMPLES[0], _NOON).keys()
    strangers = meta.find_undeclared_variables(tree) - known
    if strangers:
        places = {(node.name, node.lineno) for node in tree.find_all(nodes.Name) if node.name in strangers}
        found = (_stranger(template, name, line, known) for name, line in places)
        return tuple(sorted(found, key=lambda misfit: misfit.start))
    return tuple(_tried(template))[:1] or tuple(_doubtful(template, labels))


def _stranger(template: str, name: str, line: int, known: Iterable[str]) -> Misfit:
    if name in _FIELDS:
        hint = f"it belongs to an alert: {{% for alert in firing + resolved %}}{{{{ alert.{name} }}}}{{% endfor %}}"
    else:
        hint = f"there are {', '.join(sorted(known))}"
    return in_line(template, line, name, f"{name} is no word of a message", hint)


def _doubtful(template: str, labels: Collection[str]) -> Iterator[Misfit]:
    """Labels that nothing in the definitions knows, but one much like them."""
    for name, line in asked_labels(_environment(), template):
        near = () if name in labels else get_close_matches(name, sorted(labels), n=1, cutoff=_MUCH_ALIKE)
        for known in near:
            message = f"no definition knows a label {name}, and it is empty where an alert has none"
            yield replace(in_line(template, line, name, message, f"did you mean {known}?"), doubtful=True)


def _tried(template: str) -> Iterator[Misfit]:
    """What comes up when it is filled for sample alerts."""
    for sample in SAMPLES:
        try:
            filled(template, sample, _NOON)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever a template does wrong is what is looked for
            found = _ATTRIBUTE.fullmatch(str(error))
            name = found[2] if found else ""
            why = f"there is no {name} here" if found else f"{type(error).__name__}: {error}"
            hint = next((hint for kind, hint in _HINTS.items() if found and found[1].endswith(kind)), None)
            hint = _EMPTY if "list object has no element" in str(error) else hint
            lines = [
                number for frame, number in walk_tb(error.__traceback__) if frame.f_code.co_filename == "<template>"
            ]
            yield in_line(template, (lines or [1])[-1], name, f"the template fails for a sample alert: {why}", hint)


def in_line(template: str, number: int, name: str, message: str, hint: str | None = None) -> Misfit:
    """The place of *name* in a line, or the line."""
    lines = template.splitlines(keepends=True) or [""]
    number = min(max(number, 1), len(lines))
    start, line = sum(map(len, lines[: number - 1])), lines[number - 1]
    found = re.search(rf"\b{re.escape(name)}\b", line) if name else None
    first, last = found.span() if found else (len(line) - len(line.lstrip()), len(line.rstrip()))
    return Misfit(start + first, start + max(last, first), message, hint)


@cache
def _environment() -> PairsEnvironment:
    environment = PairsEnvironment(
        autoescape=False,  # what it makes is text; HTML and mrkdwn are made from it
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    return environment


def names(template: str) -> set[str]:
    """The words of a message that *template* uses."""
    return meta.find_undeclared_variables(_environment().parse(template))


def _samples() -> Iterator[Notification]:
    """A page, a group in which one alert is over, an end, a reminder; with and without what is optional."""
    page = AlertText(
        title="shop/uptime burns its error budget",
        summary="7.2% of requests fail",
        service="shop",
        severity="critical",
        started_at=_NOON - timedelta(minutes=3),
        dedup_key="k1",
        labels=(("ref", "shop/uptime"), ("service", "shop"), ("severity", "critical")),
        facts=(("budget left", "91.3%"),),
        reason="it burns at 43.2x",
        runbook="https://runbooks.example/shop",
        description="Customers cannot buy.",
        links=(("acknowledge", "https://tocsin.example/alerts/k1"),),
    )
    over = AlertText("Disk full", "", "db", "warning", _NOON - timedelta(hours=1), "k2", resolved_at=_NOON)
    yield Notification("c", "k", Action.FIRE, (page,), _NOON)
    yield Notification("c", "k", Action.FIRE, (page, over), _NOON, notes=("may be a repeat",))
    yield Notification("c", "k", Action.RESOLVE, (over,), _NOON, seq=1)
    yield Notification("c", "k", Action.REPEAT, (page, page), _NOON, seq=1)


SAMPLES = tuple(cleaned(sample) for sample in _samples())
