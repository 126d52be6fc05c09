"""What is drawn of journeys and contracts: curves of what was judged, for no question to the source gives them; pure.

The source knows neither slices that are held and replaced as a journey says, nor the uptime of a contract.
"""

from collections.abc import Sequence
from datetime import timedelta
from math import ceil, fsum

from tocsin.evaluate.journey import Composite, Slice, firing, looks, over
from tocsin.evaluate.measures import Mark, Tally, tally
from tocsin.evaluate.slices import instant
from tocsin.ports import Curve, Graph
from tocsin.spec import Combine, JourneySlo, Sla, members
from tocsin.spec.journey import Member

MOST_POINTS = 120
"""Of a curve: they go through the outbox with each message."""
MOST_MEMBERS = 3
LEAST_SHARE = 0.01
"""Of the burn, so that a member is drawn."""


def of_journey(slo: JourneySlo, whole: Composite) -> Graph | None:
    """The errors over the short window of the tier that fires, for as long as its long one; members that broke it."""
    found = firing(slo, looks(slo, whole))
    if found is None:
        return None
    tier, step = found.tier, slo.slice.milliseconds
    long, short = tier.long.milliseconds // step, tier.short.milliseconds // step
    every = ceil(long / MOST_POINTS)
    ends = range(len(whole.slices) - min(long, len(whole.slices) - 1) // every * every, len(whole.slices) + 1, every)
    start, apart = instant((whole.first + ends[0]) * step), timedelta(milliseconds=step * every)

    def curve(name: str, node: Combine | Member) -> Curve:
        values = tuple(_short(node, whole.slices[max(0, end - short) : end]) for end in ends)
        return Curve(name, start, apart, values)

    nodes = {part.ref: part for part in members(slo.combine)}
    broken = [ref for ref, share in whole.contributions(long) if share >= LEAST_SHARE][:MOST_MEMBERS]
    return Graph(
        "",
        f"journey {slo.ref}: errors over {tier.short}",
        (float(tier.threshold(slo.window, slo.target)),),
        percent=True,
        window=tier.short.timedelta,
        curves=(curve("journey", slo.combine), *(curve(ref, nodes[ref]) for ref in broken)),
    )


def of_contract(sla: Sla, marks: Sequence[Mark]) -> Graph | None:
    """The uptime so far, as it stood over the period, beside what was promised."""
    if not marks:
        return None
    every = ceil(len(marks) / MOST_POINTS)
    apart, so_far = every * (marks[0].end - marks[0].start), Tally(0, 0, 0, 0)
    values: list[float | None] = []
    for first in range(0, len(marks), every):
        more = tally(marks[first : first + every], sla.exclusions)
        so_far = Tally(so_far.weight + more.weight, so_far.up + more.up, 0, 0)
        uptime = so_far.uptime()
        values.append(None if uptime is None else float(uptime))
    curve = Curve("uptime", marks[0].start + apart, apart, tuple(values))
    words = f"SLA {sla.name}: uptime so far in this {sla.calendar}"
    return Graph("", words, (float(sla.target),), percent=True, curves=(curve,), bound="target")


def _short(node: Combine | Member, slices: Sequence[Slice]) -> float | None:
    values = [value for value in over(node, slices) if value is not None]
    return fsum(1 - value for value in values) / len(values) if values else None
