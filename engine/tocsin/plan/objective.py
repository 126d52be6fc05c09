"""What the rules of one objective are made from, and which objectives have rules that differ in words only.

Ten thousand objectives follow a few policies: their rules are the same but for names, the places of definitions, values
of labels, and two texts. To make and write each anew was half of the time of a compilation (decision 0023). So each
objective has a *pattern*, an objective with holes in the place of those words. Whoever writes rules may write those of
the pattern once, and then put words into its holes (`targets/likeness.py`).

This holds because nothing that makes rules looks at such a word, other than whether it is there and whether two of them
are the same. A word is put into the hole only if it needs neither quotes nor escapes wherever rules say it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import cache, lru_cache
from itertools import count
from typing import Any, NamedTuple

from tocsin.diagnostics import Span
from tocsin.ports import Labels
from tocsin.sli import Sli, SlicedSli
from tocsin.spec import Slo
from tocsin.windows import Tier

_VALUE = re.compile(r'(?<=[a-zA-Z0-9_])="([A-Za-z_/][A-Za-z0-9_./-]*)"')
"""A matcher for equality, and its value if that is a plain word."""


@dataclass(frozen=True, slots=True, eq=False)
class Objective:
    """An *slo* with the *tiers* that can fire, the *labels* of its service, and its own or its service's *runbook*."""

    slo: Slo
    tiers: tuple[Tier, ...]
    labels: Labels
    runbook: str | None


class Likeness(NamedTuple):
    """A *pattern*, the same object for all that are alike, and what an objective has in place of each of its *holes*.

    *words* are said as they are, inside of names and expressions; behind them in *holes* come those of *texts*, each of
    which is all that its annotation says.
    """

    pattern: Objective
    holes: tuple[str, ...]
    words: tuple[str, ...]
    texts: tuple[str, ...]


@lru_cache(maxsize=16)
def likeness(of: Objective) -> Likeness:
    """The pattern of an objective and its words; an objective has two groups, which are written one after the other."""
    slo, holes = of.slo, _holes()
    service, name, path, description, runbook = (next(holes) for _ in range(5))
    values: dict[str, str] = {}
    sli = _emptied(slo.sli, values, holes)
    texts = {description: slo.description, runbook: of.runbook or ""}
    pattern = _pattern(
        replace(
            slo,
            service=service,
            name=name,
            sli_name="",
            sli=sli,
            description=slo.description and description,
            runbook=None,
            span=Span(path, 0, 0, 0, 0),
            target_span=Span(path, 0, 0, 0, 0),
        ),
        of.tiers,
        of.labels,
        of.runbook and runbook,
    )
    return Likeness(
        pattern,
        (service, name, f"{path}:0", *values.values(), *texts),
        (slo.service, slo.name, f"{slo.span.path}:{slo.span.line}", *values),
        tuple(texts.values()),
    )


@lru_cache(maxsize=256)
def _pattern(slo: Slo, tiers: tuple[Tier, ...], labels: Labels, runbook: str | None) -> Objective:
    return Objective(slo, tiers, labels, runbook)


def _holes() -> Iterator[str]:
    """Words that look like any other and that nobody writes; if somebody does, the text with holes is not used."""
    return (f"qj{number}jq" for number in count())


def _emptied(sli: Sli, values: dict[str, str], holes: Iterator[str]) -> Sli:
    """The same with holes in its matchers; *values* get the hole of each value."""

    def hole(match: re.Match[str]) -> str:
        if match[1] not in values:
            values[match[1]] = next(holes)
        return f'="{values[match[1]]}"'

    if isinstance(sli, SlicedSli):
        return replace(sli, inner=_emptied(sli.inner, values, holes))
    texts = ((name, getattr(sli, name)) for name in _names(type(sli)))
    changed: dict[str, Any] = {name: _VALUE.sub(hole, text) for name, text in texts if isinstance(text, str)}
    return replace(sli, **changed)  # type: ignore[type-var]  # every kind is a dataclass


@cache
def _names(kind: type[Sli]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))  # type: ignore[arg-type]  # every kind is a dataclass
