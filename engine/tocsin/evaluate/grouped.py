"""An SLO that is divided by labels: one question for each of their values, all of them answered by the same queries.

Each group is an SLO of its own, with its own budget, history and alerts; it sees only its own rows. What one look asks
for the first group is there for all others. A group that has been seen stays for a day, because one that vanished is
not a healthy one: its question has no rows then, and its alerts are blind. After that its alerts are retired; its
budget is told for as long as the ledger holds anything of it in the window.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tocsin.errors import SourceError, SourceUnreachableError
from tocsin.evaluate.asking import Asker, Unanswered
from tocsin.evaluate.burn import no_traffic_id
from tocsin.evaluate.model import Sample, SloStatus, Truth
from tocsin.evaluate.rule import Rest, Seen, unknown
from tocsin.evaluate.slo import SloQuestion, SloSight
from tocsin.evaluate.slo_budget import SPENT
from tocsin.evaluate.standing import Ledger
from tocsin.guards import TRAFFIC_MEMORY
from tocsin.ports import Answer, Labels, RangeAnswer, Row
from tocsin.spec import Slo

MOST_GROUPS = 1000
"""Each costs some kilobytes and, at every look, the arithmetic of one SLO."""
GONE = "its series are gone"
"""Of a group that has nothing but a budget."""
_A_DAY = TRAFFIC_MEMORY.timedelta
_GONE = Sample(Truth.FALSE, reason=f"nothing of it was seen for {TRAFFIC_MEMORY}: it counts as out of use")
_REPLACED = Sample(Truth.FALSE, reason="it is gone, and others have traffic: values come and go")
_WORST = ("exhausted", "burning", "unknown", "healthy")


@dataclass(slots=True)
class _Rows:
    """What the source says in one look, by query and group."""

    asker: Asker
    by: frozenset[str]
    found: dict[str, tuple[Answer, dict[Labels, list[Row]]] | Unanswered] = field(default_factory=dict)
    groups: set[Labels] = field(default_factory=set)

    def of(self, query: str) -> tuple[Answer, Mapping[Labels, list[Row]]] | Unanswered:
        """Ask once."""
        if query not in self.found:
            answer = self.asker.instant(query)
            self.found[query] = answer if isinstance(answer, Unanswered) else (answer, self._split(answer))
        return self.found[query]

    def _split(self, answer: Answer) -> dict[Labels, list[Row]]:
        rows: dict[Labels, list[Row]] = {}
        for row in answer.rows:
            group = tuple(pair for pair in row.labels if pair[0] in self.by)
            rest = tuple(pair for pair in row.labels if pair[0] not in self.by)
            rows.setdefault(group, []).append(Row(rest, row.value))
        self.groups |= rows.keys()
        return rows


@dataclass(frozen=True, slots=True)
class _OneGroup:
    """A metric source that has the rows of one group, without its labels."""

    rows: _Rows
    group: Labels

    def instant(self, query: str, at: datetime) -> Answer:
        found = self.rows.of(query)
        if isinstance(found, Unanswered):
            raise (SourceUnreachableError if self.rows.asker.unreachable is not None else SourceError)(found.reason)
        answer, rows = found
        return Answer(tuple(rows.get(self.group, ())), at, answer.partial, answer.warnings)

    def range(self, _query: str, _start: datetime, _end: datetime, _step: timedelta) -> RangeAnswer:
        raise SourceError("a divided objective has no slices")

    def raw(self, _selector: str, _start: datetime, _end: datetime) -> RangeAnswer:
        raise SourceError("a divided objective has no samples of its own")


@dataclass(slots=True)
class GroupedQuestion:
    """Asks for an SLO by groups; the status is that of the worst one."""

    slo: Slo
    budget_every: timedelta
    groups: dict[Labels, SloQuestion] = field(default_factory=dict)
    seen_at: dict[Labels, datetime] = field(default_factory=dict)
    retired: frozenset[Labels] = frozenset()
    """Groups that are out of use, and whose alerts have not ended yet."""
    statuses: dict[Labels, SloStatus] = field(default_factory=dict)
    """Each group as the last look saw it."""
    ledger: Ledger | None = None
    gone: dict[Labels, SloStatus] = field(default_factory=dict)
    """Groups that have nothing but a budget, as they were counted last."""
    counted_at: datetime | None = None

    def ask(self, asker: Asker, opened: Iterable[Labels] = ()) -> SloSight:
        """Look at every group once; alerts of the groups *opened* are open, perhaps from before a restart."""
        rows = _Rows(asker, frozenset(self.slo.sli.by))
        overall = SloQuestion(self.slo, self.budget_every)
        first = rows.of(overall.query)
        opened = frozenset(opened)
        for group in opened - self.retired:
            self.seen_at.setdefault(group, asker.at)
        complete = not isinstance(first, Unanswered) and not first[0].partial
        if complete:
            self._know(rows.groups, opened, asker.at)
        surplus = len(self.seen_at) - MOST_GROUPS
        if surplus > 0:
            asker.still_failing(f"{self.slo.ref}: more than {MOST_GROUPS} groups; the other {surplus} are not watched")
        sights = {group: self._ask(group, rows, asker) for group in sorted(self.seen_at)[:MOST_GROUPS]}
        self.statuses = {group: sight.status for group, sight in sights.items()}
        self.statuses |= self._former(rows, asker)
        reason = first.reason if isinstance(first, Unanswered) else "no group was seen yet"
        return self._together(sights, overall.blind(reason, asker.at), complete=complete)

    def _know(self, present: Iterable[Labels], opened: frozenset[Labels], at: datetime) -> None:
        """Remember who is *present*, and retire who has not been for a day."""
        self.seen_at |= dict.fromkeys(present, at)
        gone = frozenset(group for group, seen in self.seen_at.items() if at - seen > _A_DAY)
        for group in gone:
            del self.seen_at[group]
        self.retired = gone | ((self.retired & opened) - self.seen_at.keys())

    def _ask(self, group: Labels, rows: _Rows, asker: Asker) -> SloSight:
        question = self.groups.setdefault(group, SloQuestion(self.slo, self.budget_every, self.ledger, group))
        own = Asker(_OneGroup(rows, group), asker.at, asker.failures, asker.unreachable)
        return question.ask(own)

    def former(self, at: datetime, *, lately: bool) -> SloStatus:
        """A group whose series are gone, before its budget is counted; *lately*: perhaps it cannot be seen."""
        status = SloQuestion(self.slo, self.budget_every).blind(GONE, at).status
        return status if lately else replace(status, state="healthy")

    def _former(self, rows: _Rows, asker: Asker) -> dict[Labels, SloStatus]:
        """The groups that have nothing but a budget, counted at their cadence; the worst if there are too many."""
        at, before, ledger = asker.at, self.counted_at, self.ledger
        due = before is None or not timedelta() <= at - before < self.budget_every
        if due or self.retired or not self.gone:
            held = () if ledger is None else ledger.groups(self.slo, at)
            former = [group for group in held if group not in self.seen_at][: max(0, MOST_GROUPS - len(self.seen_at))]
            self.groups = {group: self.groups[group] for group in (*self.seen_at, *former) if group in self.groups}
            lately = frozenset(ledger.groups(self.slo, at, lately=_A_DAY) if ledger is not None and former else ())
            self.gone = {group: _left(self._ask(group, rows, asker).status, lately=group in lately) for group in former}
            self.counted_at = at
        return {group: status for group, status in self.gone.items() if group not in self.seen_at}

    def _together(self, sights: Mapping[Labels, SloSight], nothing: SloSight, *, complete: bool) -> SloSight:
        rest = Rest(next(iter(nothing.seen.values())).rest.sample) if not complete else unknown(GONE)
        seen = {}
        for rule in nothing.seen:
            samples = {group: sight.seen[rule].rows[()] for group, sight in sights.items() if rule in sight.seen}
            if rule == no_traffic_id(self.slo):
                samples = _not_replaced(samples)
            samples |= dict.fromkeys(self.retired, _GONE)
            seen[rule] = Seen(samples, rest, complete=complete)
        if not self.statuses:
            return SloSight(seen, nothing.status)
        group, worst = min(self.statuses.items(), key=lambda item: (_badness(item[1]), item[0]))
        return SloSight(seen, _named(worst, group, len(self.statuses)))


def _not_replaced(samples: Mapping[Labels, Sample]) -> dict[Labels, Sample]:
    """The judgements of absence, whose values are events per second, without those of groups that were replaced."""
    flows = any(sample.value is not None and sample.value > 0 for sample in samples.values())
    return {
        group: _REPLACED if flows and sample.truth is Truth.TRUE and sample.value != 0 else sample
        for group, sample in samples.items()
    }


def _left(status: SloStatus, *, lately: bool) -> SloStatus:
    """How a group stands whose series are gone: nothing burns, and what is spent is spent.

    One that was there *lately* is not taken for healthy: perhaps it cannot be seen.
    """
    state, why = ("unknown", "") if lately else ("healthy", "")
    if status.remaining is None:
        state, why = "unknown", status.reason
    elif status.remaining <= 0:
        state, why = "exhausted", SPENT
    return replace(status, state=state, reason=f"{why}; {GONE}" if why else GONE)


def _badness(status: SloStatus) -> tuple[int, float]:
    return _WORST.index(status.state), 1.0 if status.remaining is None else status.remaining


def _named(status: SloStatus, group: Labels, groups: int) -> SloStatus:
    which = ", ".join(f"{name}={value}" for name, value in group) or "no labels"
    text = f"{which}, the worst of {groups} groups" if groups > 1 else f"{which}, the only group"
    return replace(status, reason=f"{text}: {status.reason}" if status.reason else text)


def question_of(slo: Slo, budget_every: timedelta, ledger: Ledger | None = None) -> SloQuestion | GroupedQuestion:
    """The question of an SLO, divided by labels or not."""
    if slo.sli.by:
        return GroupedQuestion(slo, budget_every, ledger=ledger)
    return SloQuestion(slo, budget_every, ledger)
