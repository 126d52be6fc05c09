"""What each series of a counter counted within a window, as the ledger counts it from samples, in one expression.

`increase` stretches what it saw to the ends of the window, and does not see what a series is born with. Here the last
sample of the window is compared with the last one before it, so windows that follow each other have each increment
once, a gap between them loses none, and counts are whole numbers. A series tells the greatest of what is known:

* `grown`: the last sample, without the last one of the day before. A counter that fell since then started anew, and
  counted all of it. Of a series that is new only what it counted since its first sample is known, unless it is
* `born`: it counts from zero where its target is older or young, by the rules of `tocsin.ledger.births`;
* `again`: a counter that was higher than it is started anew within the window, and counted up to there before;
* `reset`: what `increase` says where that is more: of a counter that was reset twice, or has outrun its old value.

Targets are told apart by job and instance. One is older if a series of all events that it had before the window is in
the same scrape as the series that is new: else labels were changed, and everything looks new. Within a range query
times of samples are dear (a Prometheus before 2.47 reads all of the range for each), so there the older series has to
be seen in the minutes behind the window instead. Whoever is gone by then is taken at its word. A target is young if it
had counted no more by its first sample than it does in five minutes; while nobody else was seen before, nobody is.
"""

from dataclasses import dataclass

from tocsin.promql import over, tidy
from tocsin.sli.base import Counters
from tocsin.sli.newborn import MARK
from tocsin.units import Duration

BEHIND = Duration.of(minutes=5)
"""So far an instant selector looks back: what has no sample within it is gone."""
REMEMBERED = Duration.of(days=1)
"""Who comes back within this time is not new."""
_TARGET = "on (job, instance)"


def counted_within(counters: Counters, selector: str, window: Duration, *, behind: bool) -> str:
    """Events of each series of *selector*, one of *counters*; with *behind* in the window that ended BEHIND ago."""
    one = _Looks(tidy(selector), window, BEHIND if behind else Duration(0))
    parts = {
        "grown": f"{one.last} - ({one.before} <= {one.least} or 0 * {one.before} or {one.least})",
        "again": f"({one.most} > {one.last}) - {one.before} + {one.last}",
        "reset": f"{one.within('increase')} and {one.within('resets')} > 0",
    }
    if counters.births:
        born = _born(one, _Looks(tidy(counters.total), window, one.ago), behind=behind)
        since_zero = f"({one.most} + ({one.last} < {one.most}) or {one.most})"
        parts["born"] = f"{since_zero} unless {one.before} and ({born})"
    marked = "\n  or ".join(f'label_replace({text}, "{MARK}", "{name}", "", "")' for name, text in parts.items())
    return f"max without ({MARK}) (\n  {marked}\n)"


@dataclass(frozen=True, slots=True)
class _Looks:
    """What is asked of one selector about the *window* that ended so long *ago*."""

    selector: str
    window: Duration
    ago: Duration

    def within(self, function: str) -> str:
        """A function over the window."""
        return self._over(function, self.window, self.ago)

    @property
    def last(self) -> str:
        return self.within("last_over_time")

    @property
    def least(self) -> str:
        return self.within("min_over_time")

    @property
    def most(self) -> str:
        return self.within("max_over_time")

    @property
    def before(self) -> str:
        """The last sample before the window."""
        return self._over("last_over_time", REMEMBERED, Duration(self.window.milliseconds + self.ago.milliseconds))

    @property
    def behind(self) -> str:
        """What has a sample since the window ended."""
        return self._over("last_over_time", BEHIND, Duration(0))

    def _over(self, function: str, window: Duration, ago: Duration) -> str:
        return f"{function}({over(self.selector, str(window))}{f' offset {ago}' if ago.milliseconds else ''})"


def _born(one: _Looks, total: _Looks, *, behind: bool) -> str:
    """The series of *one* whose target is older, or gone by now and was older, or is young."""
    if behind:
        older = f"{one.behind} and {_TARGET} ({total.behind} and {total.before})"
        gone = f"({one.last} unless {one.behind}) and {_TARGET} {total.before}"
    else:
        scrape = f"max by (job, instance) (timestamp({total.selector}) and {total.before})"
        older = f"timestamp({one.selector}) == {_TARGET} group_left () {scrape}"
        gone = f"({one.last} unless {one.selector}) and {_TARGET} {total.before}"
    had, slope = (f"sum by (job, instance) ({text})" for text in (total.least, total.within("deriv")))
    young = f"{one.least} and {_TARGET} ({had} <= {BEHIND.seconds} * {slope}) and on () {total.before}"
    return f"{older}\n    or {gone}\n    or {young}"
