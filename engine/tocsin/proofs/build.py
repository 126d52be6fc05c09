"""The proofs of a whole workspace: every objective and alert, and what cannot be proved of them."""

from dataclasses import dataclass

from tocsin.plan import Plan
from tocsin.plan.build import feasible_tiers
from tocsin.proofs.alarms import alarm_proofs
from tocsin.proofs.burn import Bench, burn_proofs, unproved
from tocsin.proofs.counts import count_proofs
from tocsin.proofs.evens import even_proofs
from tocsin.proofs.feed import feed_of
from tocsin.proofs.model import Proof, Unproved
from tocsin.proofs.others import other_proofs
from tocsin.proofs.recordings import recording_proofs
from tocsin.proofs.slices import needed, shape
from tocsin.proofs.steady import Unsteady
from tocsin.proofs.subjects import tier_alert, traffic_alert
from tocsin.spec import Slo
from tocsin.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Proofs:
    """What is proved, and what is not and why."""

    proofs: tuple[Proof, ...]
    unproved: tuple[Unproved, ...]
    alike: tuple[tuple[str, str], ...] = ()
    """Objectives that have the rules of another one but for names: (its ref, that of the other one)."""
    halves: tuple[str, ...] = ()
    """Objectives proved from what the SLI names to recordings, and from recordings to alerts, and not in one."""


def proofs(workspace: Workspace, planned: Plan, rules: Plan | None = None, *, slack: int = 0, only: str = "") -> Proofs:
    """The proofs for *workspace* and its plan; *rules* are those that will be judged, if they are others.

    What has not *only* in its ref is left out.

    Of every objective each rule is proved by itself: the recordings by the events that they count, whatever reads
    recordings by recordings that are given. From counters to alerts, every scenario is run for the first objective of
    each shape of rules; for the others, whose rules differ from those in names only, there is one: silent just below
    the threshold, fires in its minute, clears in its minute. *slack* is by how many samples the windows of the server
    are shorter than they say (Prometheus 3: one).
    """
    rules = rules or planned
    found: list[Proof] = []
    missing: list[Unproved] = []
    alike: list[tuple[str, str]] = []
    halves: list[str] = []
    first: dict[object, str] = {}
    for service in workspace.services:
        for slo in (slo for slo in service.slos if only in slo.ref):
            tiers = feasible_tiers(slo)
            found += (*alarm_proofs(slo, tiers), *recording_proofs(slo, tiers, slack))
            made = feed_of(slo.sli)
            if isinstance(made, str):
                try:
                    found += even_proofs(slo, tiers)
                    halves.append(slo.ref)
                except Unsteady as why:
                    missing.append(Unproved(slo.ref, slo.span, "what it counts", str(why)))
                continue
            found += count_proofs(slo, tiers, made, slack)
            bench = Bench(slo, tiers, made, slack)
            missing += unproved(bench)
            known = first.setdefault(_shape(bench, rules), slo.ref)
            if known != slo.ref:
                alike.append((slo.ref, known))
            found += burn_proofs(bench, full=known == slo.ref)
    for each in other_proofs(workspace, planned, rules, only, slack):
        if isinstance(each, Proof):
            found.append(each)
        else:
            missing.append(each)
    return Proofs(tuple(found), tuple(missing), tuple(alike), tuple(halves))


def _shape(bench: Bench, rules: Plan) -> object:
    slo: Slo = bench.slo
    mine = tuple(group for group in rules.groups if group.file == slo.service)
    subjects = [*(tier_alert(slo, tier) for tier in bench.tiers), traffic_alert(slo)]
    roles = tuple(role for _, role in bench.feed.roles)
    return (
        roles, bench.feed.levels, slo.target, slo.window, slo.tiers, slo.no_traffic, shape(needed(subjects, mine))
    )  # fmt: skip
