"""Recorded series of an objective, given directly: what reads them is proved without what records them.

So every rule meets values that are chosen for it, a few samples long instead of days, whatever the SLI counts. What
records the series is proved apart (`counts`), and the whole from counters to alerts once more (`burn`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, repeat

from tocsin.ports import Labels, labels_of
from tocsin.proofs.model import FIRING, RECORDED, Claim, Proof, Run
from tocsin.proofs.selectors import written
from tocsin.proofs.subjects import own, recorded
from tocsin.proofs.values import Sample, notation
from tocsin.spec import Slo
from tocsin.units import Duration
from tocsin.windows import ALERT_SEVERITY

Given = dict[str, Sequence[Sample]]
"""Samples, tick by tick, by the name of the recording."""
_OTHER = 7.7e7
"""What decoys are worth: more than anything that is given."""
LONG_AGO = -(10**9)
"""In unix seconds; promtool's clock begins at 0."""


def group(slo: Slo) -> Labels:
    """The labels that tell the group that is looked at from others, where an objective is divided."""
    return labels_of(dict.fromkeys(slo.by, "a"))


def former(ref: str) -> dict[str, str]:
    """The labels of an objective under a name that it had before."""
    service, _, name = ref.partition("/")
    return {"service": service, "slo": name}


def series(
    slo: Slo,
    samples: Mapping[str, Sequence[Sample]],
    once: Mapping[str, Sequence[Sample]] | None = None,
    *,
    siblings: bool = True,
) -> tuple[tuple[str, str], ...]:
    """Recorded series by name, as promtool's input, beside those of other objectives, which nothing may read.

    *once* are series that the objective recorded under the first of its former names. Without *siblings* there are no
    other values of the labels that divide it.
    """
    found = []
    for name, values in samples.items():
        found.append((written(name, labels_of(own(slo) | dict(group(slo)))), notation(values)))
        trouble = notation([_OTHER] * len(values))
        found += ((written(name, labels_of(other)), trouble) for other in _others(slo, siblings=siblings))
    for name, values in (once or {}).items():
        labels = labels_of(former(slo.formerly[0]) | dict(group(slo)))
        found.append((written(name, labels), notation(values)))
    return tuple(found)


def _others(slo: Slo, *, siblings: bool) -> Iterator[dict[str, str]]:
    here = dict(group(slo))
    yield own(slo) | here | {"service": "decoy"}
    yield own(slo) | here | {"slo": "decoy"}
    for label in slo.by if siblings else ():
        yield own(slo) | here | {label: "b"}


def level(*phases: tuple[int, Sample]) -> list[Sample]:
    """So many ticks at a value each.

    >>> level((2, 1.0), (1, None))
    [1.0, 1.0, None]
    """
    return list(chain.from_iterable(repeat(value, ticks) for ticks, value in phases))


def value_claims(slo: Slo, name: str, expected: Mapping[int, float | None], why: str) -> Iterator[Claim]:
    """At each tick a recording has its value, or (None) there is no row."""
    for tick, value in expected.items():
        holds = value is not None
        yield Claim(RECORDED, recorded(slo, name), tick, holds, why, value, group(slo))


def firing_claims(slo: Slo, alert: Labels, severity: str, told: Iterable[tuple[int, bool, str]]) -> Iterator[Claim]:
    """At each tick an alert (a page or a ticket, by its *severity*) fires, or not, and why."""
    said = dict(slo.given(severity).labels).get("severity", ALERT_SEVERITY[severity])
    more = labels_of(dict(group(slo), severity=said))
    for tick, fires, why in told:
        yield Claim(FIRING, alert, tick, fires, why, more=more)


def alone(slo: Slo, grid: Duration, run: Run, every: int = 1) -> Proof:
    """A scenario for rules whose inputs are given."""
    return Proof(slo.ref, slo.span, slo.service, grid, (run,), alone=True, every=every)
