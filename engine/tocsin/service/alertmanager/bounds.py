"""How much of one alert is remembered: what nobody could read is cut, and no two alerts become one by it.

Alertmanager keeps whatever it gets. Here an alert is kept for days, and stands in every conversation and on the page.
"""

from collections.abc import Mapping
from hashlib import sha256

LONGEST_NAME, LONGEST_VALUE = 200, 1_000
MOST_LABELS = 100
LONGEST_NOTE, MOST_NOTES = 4_000, 50
LONGEST_URL = 2_000
FIRST = ("alertname", "ref", "service", "severity")
"""Labels that are kept whatever others there are."""
MORE = "more_labels"
"""The label that stands for all that is left out."""


def bounded_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """The *labels*, each cut where it is too long, with a mark of the whole, so that what differs still does.

    >>> bounded_labels({"alertname": "TooHot", "pod": "a"})
    {'alertname': 'TooHot', 'pod': 'a'}
    >>> {name: len(value) for name, value in bounded_labels({"alertname": "TooHot", "dump": "x" * 10**6}).items()}
    {'alertname': 6, 'dump': 1000}
    """
    short = sorted((name for name in labels if len(name) <= LONGEST_NAME), key=lambda name: (name not in FIRST, name))
    kept = short[:MOST_LABELS]
    found = {name: _cut(labels[name]) for name in kept}
    rest = sorted(labels.keys() - found.keys())
    if rest:
        whole = "\0".join(f"{name}\0{labels[name]}" for name in rest)
        found[MORE] = f"{len(rest)} more, {_mark(whole)}"
    return found


def bounded_notes(annotations: Mapping[str, str], first: tuple[str, ...]) -> dict[str, str]:
    """The *annotations*, those named *first* before others; none of them tells alerts apart."""
    names = sorted(annotations, key=lambda name: (name not in first, name))[:MOST_NOTES]
    return {
        name: annotations[name]
        if len(annotations[name]) <= LONGEST_NOTE
        else f"{annotations[name][: LONGEST_NOTE - 1]}…"
        for name in names
        if len(name) <= LONGEST_NAME
    }


def bounded_url(url: str) -> str:
    """The *url*; one that is cut leads nowhere."""
    return url if len(url) <= LONGEST_URL else ""


def _cut(value: str) -> str:
    mark = f"… {_mark(value)}"
    return value if len(value) <= LONGEST_VALUE else value[: LONGEST_VALUE - len(mark)] + mark


def _mark(text: str) -> str:
    return f"sha256:{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
