"""Events with which series are born, as recorded series: what `rate` does not count, for every window of an objective.

Where the first errors of a route come with their series, every window has to know of it for as long as the birth lies
in it. To look for births in each of them again would cost more than all the rest, so they are recorded once, series by
series, for as long as the longest raw window. As a rule there are none, and what is not there costs nothing.

The series carry their own labels, which may be called `service` or `slo`, and `slo_ref` beside them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from tocsin.plan.model import RecordingRule
from tocsin.ports import labels_of
from tocsin.promql import label_value, matcher_text, metric_name, over
from tocsin.promql_syntax import Selector, parse
from tocsin.promql_syntax.canonical import matcher_text as canonical
from tocsin.sli import BIRTHS_LABEL, RatioSli, born_just_now, seconds_of
from tocsin.spec import Slo
from tocsin.units import Duration

KEPT = Duration.of(hours=1)
"""A birth is remembered so long, and no longer window is computed from raw counters (`series.raw_limit`)."""
MEMORY = Duration.of(minutes=20)
"""A server that was down for so long forgets no birth, and takes none for a new one."""
TOTAL, BAD = "slo:total:births", "slo:bad:births"
WHEN = "_timestamp_seconds"


@dataclass(frozen=True, slots=True)
class Births:
    """What an objective records of births: the selector of each recording by its name."""

    slo: Slo
    recorded: Mapping[str, str]

    def rules(self) -> Iterator[RecordingRule]:
        """What has to be recorded before any window is: when series were born, and what they have counted since."""
        own = labels_of({BIRTHS_LABEL: self.slo.ref})
        for name, text in self.recorded.items():
            when = self._chosen(name + WHEN)
            first = (
                f"last_over_time({when}[{MEMORY}]) > time() - {KEPT.milliseconds // 1000}\n"
                f"or ignoring ({BIRTHS_LABEL})\n"
                f"  0 * ({born_just_now(text, self.recorded[TOTAL])}) + time()"
            )
            yield RecordingRule(name + WHEN, first, own, self.slo.span)
            since = f"max_over_time({over(text, str(KEPT))}) and ignoring ({BIRTHS_LABEL}) {when}"
            yield RecordingRule(name, since, own, self.slo.span)

    def within(self, text: str, window: str) -> str:
        """What series of *text* have counted that were born within *window*."""
        name = next((name for name, selector in self.recorded.items() if selector == text), None)
        more = "" if name else f",{matcher_text(text)}"
        births = self._chosen(name or TOTAL, more)
        if (seconds := seconds_of(window)) < KEPT.milliseconds // 1000:
            births += f" and {self._chosen((name or TOTAL) + WHEN, more)} > time() - {seconds}"
        return births

    def _chosen(self, name: str, more: str = "") -> str:
        return f"{name}{{{BIRTHS_LABEL}={label_value(self.slo.ref)}{more}}}"


def births_of(slo: Slo) -> Births | None:
    """All events, and the others if they are no part of those; None where an objective does not count births."""
    sli = slo.sli
    if not (isinstance(sli, RatioSli) and sli.new_series and sli.counts_births()):
        return None
    part = sli.bad_events or sli.good_events or ""
    return Births(slo, {TOTAL: sli.total_events} | ({} if _is_part(part, sli.total_events) else {BAD: part}))


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
