"""A journey to rules, slice by slice: what each member was worth in the slice, their combination, a burn-rate alert.

The group is evaluated once per slice, so each evaluation records one slice:

| series | what it is |
|---|---|
| `journey:member:ratio{member}` | a member's good ratio in this slice; nothing without events |
| `journey:member:idle{member}` | 1 where a member counted no events, 0 where it counted some; nothing if it is gone |
| `journey:slice:known` | 1 if the slice can be judged, else 0; there at each evaluation, so it tells when rules ran |
| `journey:part:ratio{part, of}` | the same, held and replaced as `missing` says, and every inner combination |
| `journey:slice:ratio` | the whole journey; `worst_of` has none, for its worst part depends on the window |

Prometheus' slices begin when it happens to evaluate the group, those of `tocsin serve` at round times; a slice that
lies across an edge counts in both, and their burn rates differ by less than one slice.

What PromQL cannot say is not approximated: its members are recorded, and `tocsin serve` alone combines and alerts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from tocsin.diagnostics import Diagnostic, Severity
from tocsin.guards import BASE, first_seen
from tocsin.plan.burn import percent
from tocsin.plan.model import AlertingRule, RecordingRule, RuleGroup
from tocsin.ports import Labels, labels_of
from tocsin.promql import matchers
from tocsin.spec import Combine, JourneySlo, Member, Slo, members
from tocsin.template import verbatim
from tocsin.units import Duration, literal
from tocsin.windows import WORKBOOK, Tier, decimal_literal
from tocsin.workspace import Workspace

MOST_CHOICES = 5
"""Parts of a `k_of_n` in rules: its expression has a term for each choice that is good enough."""
ROOT = "0"


def paging_tiers(slo: JourneySlo) -> tuple[Tier, ...]:
    """The paging tiers whose short window holds at least one slice, and that can fire at all."""
    return tuple(
        tier
        for tier in WORKBOOK
        if tier.severity == "page" and slo.slice <= tier.short and tier.feasible(slo.window, slo.target)
    )


def burn_labels(slo: JourneySlo) -> Labels:
    """What the alert is, for rules and evaluator alike: both page, and it is one alert."""
    labels = {"service": slo.journey, "slo": slo.name, "severity": "critical", "ref": slo.ref}
    return labels_of(labels)


def journey_groups(workspace: Workspace) -> tuple[list[RuleGroup], list[Diagnostic]]:
    """A group for each journey whose members are known; what `tocsin serve` alone evaluates is a note."""
    slos = {slo.ref: slo for service in workspace.services for slo in service.slos}
    groups: list[RuleGroup] = []
    findings: list[Diagnostic] = []
    for slo in sorted((slo for journey in workspace.journeys for slo in journey.slos), key=lambda slo: slo.ref):
        if any(member.ref not in slos for member in members(slo.combine)):
            continue
        reason = beyond_promql(slo)
        groups.append(_group(slo, slos, reason))
        if reason:
            message = f"journey {slo.ref} is evaluated by tocsin serve alone: {reason}"
            findings.append(Diagnostic("journey/evaluated", slo.span, message, Severity.INFO))
    return groups, findings


def beyond_promql(slo: JourneySlo) -> str:
    """Why rules cannot say it; empty where they can."""
    for node, depth in _inner(slo.combine, 0):
        if node.how == "worst_of" and depth:
            return "worst_of inside another combination depends on the window, which no recorded slice knows"
        if node.how == "k_of_n" and len(node.parts) > MOST_CHOICES:
            return f"k_of_n of more than {MOST_CHOICES} parts has too many terms"
    if not paging_tiers(slo):
        return f"slices of {slo.slice} are too long for the short windows of burn-rate alerts"
    return ""


def _inner(node: Combine, depth: int) -> Iterator[tuple[Combine, int]]:
    yield node, depth
    for part in node.parts:
        if isinstance(part, Combine):
            yield from _inner(part, depth + 1)


@dataclass(frozen=True, slots=True)
class _Series:
    """The series of one journey."""

    slo: JourneySlo

    @property
    def labels(self) -> dict[str, str]:
        """What they have in common."""
        return {"service": self.slo.journey, "slo": self.slo.name}

    def members(self) -> str:
        """All that was measured."""
        return "journey:member:ratio" + matchers(labels_of(self.labels))

    def member(self, ref: str) -> str:
        """What was measured of one member."""
        return "journey:member:ratio" + matchers(labels_of(self.labels | {"member": ref}))

    def known(self) -> str:
        """Whether a slice can be judged."""
        return "journey:slice:known" + matchers(labels_of(self.labels))

    def idle(self, ref: str = "") -> str:
        """Whether a member, or each of them, was idle."""
        member = {"member": ref} if ref else {}
        return "journey:member:idle" + matchers(labels_of(self.labels | member))

    def part(self, path: str) -> str:
        """One part."""
        return "journey:part:ratio" + matchers(labels_of(self.labels | {"part": path}))

    def parts_of(self, path: str) -> str:
        """The parts of a combination."""
        return "journey:part:ratio" + matchers(labels_of(self.labels | {"of": path}))

    def whole(self) -> str:
        """The slices that burn rates are made of; several for `worst_of`."""
        if self.slo.combine.how == "worst_of":
            return self.parts_of(ROOT)
        return "journey:slice:ratio" + matchers(labels_of(self.labels))


def _group(slo: JourneySlo, slos: Mapping[str, Slo], reason: str) -> RuleGroup:
    series = _Series(slo)
    refs = tuple(dict.fromkeys(member.ref for member in members(slo.combine)))
    rules: list[RecordingRule | AlertingRule] = [rule for ref in refs for rule in _measured(series, slos[ref])]
    note = f"combined and alerted on by `tocsin serve` alone: {reason}" if reason else ""
    if not reason:
        rules += [_known(series), *_parts(series, slo.combine, ROOT), _alert(series)]
    return RuleGroup(f"journey:{slo.ref}", slo.journey, tuple(rules), slo.slice, note=note)


def _measured(series: _Series, member: Slo) -> Iterator[RecordingRule]:
    """What a member was worth, and whether it was idle: idle is not gone, though neither has a ratio."""
    slo = series.slo
    bad, total = _events(member, slo.slice)
    labels = labels_of(series.labels | {"member": member.ref})
    yield RecordingRule("journey:member:ratio", f"clamp_min(1 - {bad} / ({total} > 0), 0) >= 0", labels, slo.span)
    yield RecordingRule("journey:member:idle", f"({total} >= 0) == bool 0", labels, slo.span)


def _events(member: Slo, slice_: Duration) -> tuple[str, str]:
    """Bad and all events of a slice; of the length that is recorded anyway, from what is recorded."""
    if slice_ == BASE:
        selector = matchers(labels_of({"service": member.service, "slo": member.name}))
        return f"sum(slo:bad:rate{BASE}{selector})", f"sum(slo:total:rate{BASE}{selector})"
    window = str(slice_)
    return f"sum({member.sli.bad(window)})", f"sum({member.sli.total(window)})"


def _parts(series: _Series, node: Combine, path: str) -> Iterator[RecordingRule]:
    """Everything below *node*, each behind its own parts, and *node* itself."""
    slo = series.slo
    for number, part in enumerate(node.parts):
        below = f"{path}.{number}"
        if isinstance(part, Combine):
            yield from _parts(series, part, below)
        else:
            labels = labels_of(series.labels | {"part": below, "of": path})
            yield RecordingRule("journey:part:ratio", _held(series, part), labels, slo.span)
    if path == ROOT:
        if node.how != "worst_of":
            yield RecordingRule(
                "journey:slice:ratio", _combined(series, node, path), labels_of(series.labels), slo.span
            )
    else:
        labels = labels_of(series.labels | {"part": path, "of": path.rpartition(".")[0]})
        yield RecordingRule("journey:part:ratio", _combined(series, node, path), labels, slo.span)


def patience(slo: JourneySlo) -> int:
    """So many slices ago a member may have been measured last, and is not missing."""
    return slo.missing.after.milliseconds // slo.slice.milliseconds


def settled(slo: JourneySlo) -> int:
    """So many slices in a row must have been evaluated before this one, until a member that is not there is missing.

    After a restart everything is gone at first: rates need two scrapes, and the members' rules an evaluation.
    """
    return max(patience(slo), -(-BASE.milliseconds // slo.slice.milliseconds))


def _back(slo: JourneySlo, slices: int) -> Duration:
    """A range that holds so many slices before the newest, wherever within half a slice they lie."""
    return Duration(slices * slo.slice.milliseconds + slo.slice.milliseconds // 2)


def _known(series: _Series) -> RecordingRule:
    """Whether the slice can be judged: the journey has begun, and who is not there is not missing for our own gap.

    Without a member the slice is nothing, instead of one without it: of two parallel parts the other may be the bad
    one. The rule has a value each time, so the number of its own samples tells for how long rules have run.
    """
    slo = series.slo
    begun = f"count(count_over_time({series.members()}[{slo.window}]))"
    text = f"vector(1) and on () {begun}"
    if slo.missing.count_as != "ignore":
        there = f"count(last_over_time({series.idle()}[{_back(slo, patience(slo))}])) == {_count(slo)}"
        run = f"count_over_time({series.known()}[{_back(slo, settled(slo))}]) >= {settled(slo)}"
        text = f"{text} and on () (\n  {there}\n  or on () {run}\n)"
    return RecordingRule("journey:slice:known", f"{text}\nor vector(0)", labels_of(series.labels), slo.span)


def _count(slo: JourneySlo) -> int:
    return len({one.ref for one in members(slo.combine)})


def _held(series: _Series, part: Member) -> str:
    """A member's last value while it is patient, then what it counts as, in a slice that can be judged.

    One that is idle is left out, so that it neither hides an outage of those beside it nor makes one; where all are,
    nobody took the journey, and it was good.
    """
    slo = series.slo
    window = _back(slo, patience(slo))
    value = f"sum(last_over_time({series.member(part.ref)}[{window}]))"
    idle, every = (f"last_over_time({one}[{window}])" for one in (series.idle(part.ref), series.idle()))
    all_idle = f"sum({every}) == {_count(slo)}"
    if slo.missing.count_as == "ignore":
        all_idle = f"sum({idle}) == 1 and on () min({every}) == 1"
    else:
        value = f"({value} or vector({int(slo.missing.count_as == 'good')}))"
    return (
        f"(\n  {value}\n  unless on () sum({idle}) == 1\n  or vector(1) and on () {all_idle}\n)\n"
        f"and on () {series.known()} == 1"
    )


def _combined(series: _Series, node: Combine, path: str) -> str:
    parts = series.parts_of(path)
    if node.how == "series":
        return f"exp(sum(ln({parts})))"
    if node.how == "parallel":
        return f"1 - exp(sum(ln(1 - {parts})))"
    if node.how == "weighted":
        weights = [literal(weight) for weight in node.weights]
        one_by_one = [series.part(f"{path}.{number}") for number in range(len(weights))]
        upper = "\n  or ".join(f"{part} * {weight}" for part, weight in zip(one_by_one, weights, strict=True))
        lower = "\n  or ".join(f"{part} * 0 + {weight}" for part, weight in zip(one_by_one, weights, strict=True))
        return f"sum(\n  {upper}\n)\n/ sum(\n  {lower}\n)"
    return _choices(series, node, path)


def _choices(series: _Series, node: Combine, path: str) -> str:
    """The probability that at least so many parts are good: the sum over all choices of good and bad ones.

    A part that is left out is none of the good ones; where fewer are left than are needed, nothing can be said.
    """
    count = len(node.parts)
    ratios = [f"scalar(sum({series.part(f'{path}.{number}')}) or vector(0))" for number in range(count)]
    terms = [
        " * ".join(ratio if number in good else f"(1 - {ratio})" for number, ratio in enumerate(ratios))
        for size in range(node.need, count + 1)
        for good in combinations(range(count), size)
    ]
    return "vector(\n  " + "\n  + ".join(terms) + f"\n)\nand on () count({series.parts_of(path)}) >= {node.need}"


def _alert(series: _Series) -> AlertingRule:
    slo = series.slo
    annotations = {
        "summary": f"journey {slo.ref} burns its error budget {{{{ $value | humanize }}}} times faster than its "
        f"{percent(slo.target)} over {slo.window} allows",
        "description": verbatim(slo.description),
        "source": verbatim(f"{slo.span.path}:{slo.span.line}"),
    }
    return AlertingRule(
        alert="JourneyBudgetBurn",
        ref=slo.ref,
        expr="\nor\n".join(_burn(series, tier) for tier in paging_tiers(slo)),
        for_=Duration(0),
        keep_firing_for=Duration(0),
        labels=burn_labels(slo),
        annotations=labels_of({name: text for name, text in annotations.items() if text}),
        source=slo.span,
        notify=slo.page,
    )


def _burn(series: _Series, tier: Tier) -> str:
    """Long and short window above the threshold; the value is the burn rate. Slices before the first count as good."""
    slo = series.slo
    threshold, budget = decimal_literal(tier.threshold(slo.window, slo.target)), literal(1 - slo.target)
    born = first_seen(series.whole(), tier.long)
    seconds, slice_ = decimal_literal(tier.long.seconds), decimal_literal(slo.slice.seconds)
    known = f"clamp_max((time() - {_least(slo, born)} + {slice_}) / {seconds}, 1)"
    return (
        f"(\n"
        f"  {_errors(series, tier.long)}\n"
        f"  * {known}\n"
        f"  > {threshold}\n"
        f") / {budget}\n"
        f"and\n"
        f"{_errors(series, tier.short)} > {threshold}"
    )


def _errors(series: _Series, window: Duration) -> str:
    """The mean shortfall of the last slices of a window: a range that is half a slice shorter holds exactly those."""
    slo = series.slo
    whole = window.milliseconds // slo.slice.milliseconds * slo.slice.milliseconds
    inside = Duration(whole - slo.slice.milliseconds // 2)
    errors = f"(1 - avg_over_time({series.whole()}[{inside}]))"
    return f"max without (part, of) {errors}" if slo.combine.how == "worst_of" else errors


def _least(slo: JourneySlo, born: str) -> str:
    return f"min without (part, of) ({born})" if slo.combine.how == "worst_of" else born
