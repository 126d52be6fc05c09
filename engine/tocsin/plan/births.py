"""Events with which series are born, as recorded series: what `rate` does not count, for every window of an objective.

Where the first errors of a route come with their series, every window has to know of it for as long as the birth lies
in it. To look for births in each of them again would cost more than all the rest, so they are recorded once, series by
series, for as long as the longest raw window. As a rule there are none, and what is not there costs nothing.

The series carry their own labels, which may be called `service` or `slo`, and `slo_ref` beside them.
"""

from collections.abc import Iterator
from functools import lru_cache

from tocsin.plan.model import RecordingRule
from tocsin.ports import labels_of
from tocsin.promql import label_value, matcher_text, metric_name
from tocsin.promql_syntax import Selector, parse
from tocsin.promql_syntax.canonical import matcher_text as canonical
from tocsin.sli import RatioSli, born_just_now
from tocsin.spec import Slo
from tocsin.units import Duration

KEPT = Duration.of(hours=1)
"""A birth is remembered so long: no longer window is computed from raw counters (`series.ladder`)."""
MEMORY = Duration.of(minutes=20)
"""A server that was down for so long forgets no birth, and takes none for a new one."""
LABEL = "slo_ref"
TOTAL, BAD = "slo:total:births", "slo:bad:births"


def birth_recordings(slo: Slo) -> Iterator[RecordingRule]:
    """What has to be recorded before any window is; nothing where an objective does not count births."""
    own = labels_of({LABEL: slo.ref})
    for name, text in births_of(slo).items():
        known = f"{_chosen(name, slo)}[{MEMORY}]"
        expression = (
            f"(last_over_time({known}) unless last_over_time({known} offset {KEPT}))\n"
            f"or ignoring ({LABEL})\n"
            f"  ({born_just_now(text, births_of(slo)[TOTAL])})"
        )
        yield RecordingRule(name, expression, own, slo.span)


def counted(slo: Slo) -> RatioSli | None:
    """The SLI of an objective that counts births by recordings."""
    return slo.sli if isinstance(slo.sli, RatioSli) and slo.sli.new_series and slo.sli.counts_births() else None


def births_of(slo: Slo) -> dict[str, str]:
    """What is recorded, and of which selector: all events, and the others if they are no part of those."""
    if (sli := counted(slo)) is None:
        return {}
    part = sli.bad_events or sli.good_events or ""
    return {TOTAL: sli.total_events} | ({} if _is_part(part, sli.total_events) else {BAD: part})


def recorded_births(slo: Slo, text: str, window: str) -> str:
    """The events with which series of *text* were born within *window*, one row for each series."""
    names = {selector: name for name, selector in births_of(slo).items()}
    if text in names:
        births = _chosen(names[text], slo)
    else:
        births = f"{TOTAL}{{{LABEL}={label_value(slo.ref)},{matcher_text(text)}}}"
    if Duration.parse(window) >= KEPT:
        return births
    return f"{births} unless last_over_time({births}[{MEMORY}] offset {window})"


def _chosen(name: str, slo: Slo) -> str:
    return f"{name}{{{LABEL}={label_value(slo.ref)}}}"


@lru_cache(maxsize=1024)
def _is_part(part: str, whole: str) -> bool:
    """Whether every series of *part* is one of *whole*, by their matchers.

    >>> _is_part('x{job="a",code=~"5.."}', 'x{job="a"}'), _is_part("x", 'x{job="a"}'), _is_part("y", "x")
    (True, False, False)
    """
    if not metric_name(part) or metric_name(part) != metric_name(whole):
        return False
    narrow, wide = matcher_text(part), matcher_text(whole)
    if not wide or f"{narrow},".startswith(f"{wide.removesuffix(',')},"):
        return True
    trees = parse(part), parse(whole)
    found = [{canonical(m) for m in tree.matchers} for tree in trees if isinstance(tree, Selector)]
    return len(found) == len(trees) and found[1] <= found[0]
