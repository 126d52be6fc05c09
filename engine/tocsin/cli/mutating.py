"""Mutation of rules: every mutant meets the tests that ask for its rule, the cheap ones first."""

import random
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tocsin.adapters.batches import Job, run_jobs
from tocsin.adapters.promtool import Promtool
from tocsin.mutate import Mutant, mutants
from tocsin.plan import Plan, RuleGroup
from tocsin.ports import Labels
from tocsin.proofs.slices import needed
from tocsin.proofs.testfile import ProofFile
from tocsin.targets.prometheus import rule_file
from tocsin.targets.promtest import Case, narrowed, selector

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Cut:
    """The part of a test that asks for one rule: *path* and *rules* name its files."""

    path: str
    rules: str
    groups: tuple[RuleGroup, ...]
    text: str
    cost: float


@dataclass(frozen=True, slots=True)
class Tried:
    """A mutant, whether a test noticed it, and how many tests asked for its rule."""

    mutant: Mutant
    noticed: bool
    tests: int


def cuts(cases: Sequence[Case], proofs: Sequence[ProofFile]) -> dict[int, list[Cut]]:
    """By rule (its id), the tests that ask for it, each with nothing in it that the rule cannot change.

    Those that were written by hand come first, then the generated ones by their cost.
    """
    found: dict[int, list[Cut]] = {}
    for case in cases:
        by_alert = {each.alert: selector(case.test.service, each.alert) for each in case.test.expect}
        for rules, some in _parts(case.groups, by_alert).items():
            part = narrowed(case, some)
            last = max(each.at.milliseconds for each in part.test.expect) / part.test.interval.milliseconds
            size = sum(len(group.rules) for group in part.groups)
            cut = Cut(case.path, case.rules.path, part.groups, part.text, 18 + 0.1 * size * last)
            for rule in rules:
                found.setdefault(rule, []).append(cut)
    for each in found.values():
        each.sort(key=lambda cut: cut.cost)
    made: dict[int, list[Cut]] = {}
    for file in proofs:
        for rules, labels in _parts(file.groups, {labels: labels for labels in file.proof.subjects}).items():
            less = file.narrowed(labels)
            cut = Cut(file.path, file.rules, less.groups, less.text, less.cost)
            for rule in rules:
                made.setdefault(rule, []).append(cut)
    for rule, more in made.items():
        found.setdefault(rule, []).extend(sorted(more, key=lambda cut: cut.cost))
    return found


def _parts(groups: tuple[RuleGroup, ...], subjects: Mapping[T, Labels]) -> dict[tuple[int, ...], tuple[T, ...]]:
    """Rules (by id) that the same *subjects* need, and these."""
    by_rule: dict[int, list[T]] = {}
    for subject, labels in subjects.items():
        for group in needed([labels], groups):
            for rule in group.rules:
                by_rule.setdefault(id(rule), []).append(subject)
    parts: dict[tuple[T, ...], list[int]] = {}
    for rule_id, some in by_rule.items():
        parts.setdefault(tuple(some), []).append(rule_id)
    return {tuple(rules): some for some, rules in parts.items()}


def chosen(plan: Plan, only: str | None, limit: int | None, seed: int) -> tuple[Mutant, ...]:
    """All mutants of rules whose definition has *only* in its name, or *limit* of them: the same for a *seed*."""
    every = tuple(mutant for mutant in mutants(plan) if not only or only in mutant.ref)
    if limit is None or limit >= len(every):
        return every
    picked = sorted(random.Random(seed).sample(range(len(every)), limit))  # noqa: S311 -- a choice, not a secret
    return tuple(every[n] for n in picked)


def try_out(
    tried: Sequence[Mutant], tests: Mapping[int, Sequence[Cut]], promtool: Promtool, jobs: int
) -> tuple[Tried, ...]:
    """Run every mutant against its tests, one in each round; what one test has noticed meets no further one."""
    waiting = {n: list(tests.get(id(mutant.original), ())) for n, mutant in enumerate(tried)}
    noticed: set[int] = set()
    while living := [(n, some.pop(0)) for n, some in waiting.items() if n not in noticed and some]:
        reports = run_jobs(promtool, [_job(n, tried[n], cut) for n, cut in living], jobs)
        noticed |= {n for n, cut in living if not reports[_path(n, cut)].passed}
    return tuple(Tried(mutant, n in noticed, len(tests.get(id(mutant.original), ()))) for n, mutant in enumerate(tried))


def _path(number: int, cut: Cut) -> str:
    return f"m{number:06}/{cut.path}"


def _job(number: int, mutant: Mutant, cut: Cut) -> Job:
    path = _path(number, cut)
    return Job(path, {path: cut.text, f"m{number:06}/{cut.rules}": rule_file(mutant.within(cut.groups))}, cut.cost)
