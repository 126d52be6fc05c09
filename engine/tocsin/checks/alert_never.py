"""alert/never."""

from collections.abc import Iterator, Mapping
from itertools import permutations, product

from tocsin.checks.base import Subject, check
from tocsin.checks.reading.dead import dead_alerts
from tocsin.checks.reading.implied import Ties, ties
from tocsin.diagnostics import Diagnostic
from tocsin.schema.words import listed
from tocsin.spec import AlertRule, Composite, Part

_MOST = 12
"""Alerts that a condition may be made of, to be tried in every combination."""


@check("alert/never")
def alert_never(subject: Subject) -> Iterator[Diagnostic]:
    """A composite alert can fire.

    One that needs an alert to fire and not to fire at once never does, nor does one that needs an alert which can
    never fire itself. Alerts that are made of others are looked into, unless they wait, or are kept firing when their
    condition is over. Of two alerts in the usual group of the service that compare the same expression, one may need
    the other (`max(lat) > 2` never fires alone beside `max(lat) > 1`), or exclude it; where `for` or `keep_firing_for`
    lets one be alone for a while, nothing is said.

    Bad: `all_of: [shop/Down, shop/Slow]` with `none_of: [shop/Down]`, `all_of: [shop/Above2]` with
    `none_of: [shop/Above1]`

    Good: `all_of: [shop/Slow]` with `none_of: [shop/Down]`, `all_of: [shop/Above1]` with `none_of: [shop/Above2]`
    """
    alerts = {alert.ref: alert for service in subject.workspace.services for alert in service.alerts}
    composites = {ref: alert for ref, alert in alerts.items() if isinstance(alert.condition, Composite)}
    if not composites:
        return
    dead = dead_alerts(subject)
    for ref, alert in composites.items():
        free = sorted(_atoms(ref, composites, frozenset()))
        if len(free) > _MOST:
            continue
        tied = ties(subject, alert, [alerts[atom] for atom in free if atom in alerts])
        if not _can_fire(ref, composites, free, dead, tied):
            yield _finding(alert, composites, dead, tied)


def _can_fire(
    ref: str, composites: Mapping[str, AlertRule], atoms: list[str], dead: frozenset[str], tied: Ties
) -> bool:
    choices = [(False,) if atom in dead else (True, False) for atom in atoms]
    every = (dict(zip(atoms, chosen, strict=True)) for chosen in product(*choices))
    return any(tied.allow(chosen) and _fires(ref, composites, chosen) for chosen in every)


def _atoms(ref: str, composites: Mapping[str, AlertRule], above: frozenset[str]) -> Iterator[str]:
    """What *ref* is made of in the end; an alert that needs itself has a finding of its own."""
    found: set[str] = set()
    for part in _parts(composites[ref]):
        inner = composites.get(part.ref)
        if inner is None or inner.for_.milliseconds or inner.keep_firing_for.milliseconds or part.ref in {*above, ref}:
            found.add(part.ref)
        else:
            found.update(_atoms(part.ref, composites, above | {ref}))
    yield from found


def _fires(ref: str, composites: Mapping[str, AlertRule], chosen: Mapping[str, bool]) -> bool:
    def holds(part: Part) -> bool:
        return chosen[part.ref] if part.ref in chosen else _fires(part.ref, composites, chosen)

    condition = composites[ref].condition
    assert isinstance(condition, Composite)  # noqa: S101 -- that is how they were chosen
    some = not condition.any_of or any(holds(part) for part in condition.any_of)
    return some and all(holds(part) for part in condition.all_of) and not any(holds(part) for part in condition.none_of)


def _parts(alert: AlertRule) -> tuple[Part, ...]:
    return tuple(alert.condition.parts()) if isinstance(alert.condition, Composite) else ()


def _finding(alert: AlertRule, composites: Mapping[str, AlertRule], dead: frozenset[str], tied: Ties) -> Diagnostic:
    condition = alert.condition
    assert isinstance(condition, Composite)  # noqa: S101
    refused = {part.ref for part in condition.none_of}
    needed = (*condition.all_of, *(condition.any_of if len(condition.any_of) == 1 else ()))
    span = next((part.span for part in needed if part.ref in refused), alert.span)
    if both := sorted({part.ref for part in needed} & refused):
        why = f"{both[0]} has to fire and must not"
        hint: str | None = "leave it out of one of the two lists"
    elif gone := next((part for part in needed if part.ref in dead), None):
        why, hint, span = f"{gone.ref}, which it needs, never fires either", "mend that one, or leave it out", gone.span
    elif pair := next(
        ((one, ref) for one in needed for ref in sorted(refused) if (one.ref, ref) in tied.implied), None
    ):
        why, span = f"{pair[0].ref} never fires without {pair[1]}, which must not fire", pair[0].span
        hint = "compare their bounds; perhaps the two are the wrong way round"
    elif two := next((each for each in permutations(needed, 2) if tuple(p.ref for p in each) in tied.exclusive), None):
        why, span = f"{two[0].ref} and {two[1].ref} never fire at once", two[1].span
        hint = "compare their bounds, or say any_of"
    else:
        made = sorted({part.ref for part in _parts(alert)} & composites.keys())
        why = "what has to fire excludes what must not"
        hint = f"look at what {listed(made, 'and')} {'is' if len(made) == 1 else 'are'} made of" if made else None
    return Diagnostic("alert/never", span, f"{alert.ref} can never fire: {why}", hint=hint)
