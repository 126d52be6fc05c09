"""Where a PromQL text names the series that it reads, so that a copy of it can read the series of other copies."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from tocsin.promql import label_value
from tocsin.promql_syntax import Fault, Selector, nodes, parse

ALERTS = frozenset({"ALERTS", "ALERTS_FOR_STATE"})


@dataclass(frozen=True, slots=True)
class Place:
    """The characters [start, end) name a series; of an alert they are the value of `alertname`, quotes included."""

    name: str
    start: int
    end: int
    alert: bool = False


@dataclass(frozen=True, slots=True)
class Unnamed:
    """A selector of alerts that does not say which: it begins at *start*, a matcher may be put in at *inside*."""

    start: int
    inside: int | None
    matchers: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Places:
    """All of a text; *wild* says that it may read series whose names it does not say."""

    named: tuple[Place, ...]
    unnamed: tuple[Unnamed, ...] = ()
    wild: bool = False

    @property
    def keys(self) -> frozenset[tuple[bool, str]]:
        """What is read: series (False) and alerts (True) by their names."""
        return frozenset((place.alert, place.name) for place in self.named)


@lru_cache(maxsize=16_384)
def places(text: str) -> Places:
    """Read *text*; what cannot be read is wild."""
    tree = parse(text)
    if isinstance(tree, Fault):
        return Places((), wild=True)
    named: list[Place] = []
    unnamed: list[Unnamed] = []
    wild = False
    for node in nodes(tree):
        if not isinstance(node, Selector):
            continue
        if node.name is None:
            wild = True
        elif node.name.value not in ALERTS:
            named.append(Place(node.name.value, node.name.start, node.name.end))
        elif known := [m for m in node.matchers if m.label.value == "alertname" and m.op == "="]:
            named += [Place(m.value.value, m.value.start, m.value.end, alert=True) for m in known]
        else:
            inside = node.braces[0] + 1 if node.braces else None
            asked = tuple(m.said for m in node.matchers)
            unnamed.append(Unnamed(node.start, inside, asked))
    return Places(tuple(sorted(named, key=lambda place: place.start)), tuple(unnamed), wild)


def renamed(text: str, keys: Collection[tuple[bool, str]], mark: str, put: Collection[int] = ()) -> str:
    """The text that reads the series and alerts of *keys* with *mark* behind their names.

    At each position of *put* a selector of alerts gets a matcher that finds those with the mark only; without a mark,
    those that have none.

    >>> renamed('a / b + ALERTS{alertname="Down"}', {(False, "b"), (True, "Down")}, "__m1")
    'a / b__m1 + ALERTS{alertname="Down__m1"}'
    """
    edits = [
        (place.start, place.end, label_value(place.name + mark) if place.alert else place.name + mark)
        for place in places(text).named
        if mark and (place.alert, place.name) in keys
    ]
    matcher = f'alertname=~".+{mark}",' if mark else 'alertname!~".+__m[0-9]+",'
    edits += [(at, at, matcher) for at in put]
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text
