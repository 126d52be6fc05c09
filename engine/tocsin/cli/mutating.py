"""Mutation of rules: every mutant meets the scenarios that ask for its rule, the cheap ones first."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from tocsin.adapters.promtool import Promtool
from tocsin.mutate import Chorus, Mutant, Trial, Tried, Voice, apart, mutants, run_choruses, trials
from tocsin.plan import Plan
from tocsin.proofs.testfile import ProofFile
from tocsin.targets.promtest import Case

NOBODY = 0
"""The number of the voice in which nothing is changed."""
_MOST_VOICES = 150
_MOST_COST = 2500.0
_MOST_FILES = 60
"""What goes into one chorus at most, and into one promtool process: enough for its start not to count, and little
enough for all processes to end at about the same time."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of all mutants; *broken* are scenarios that rules without a mistake do not pass, which judge none."""

    tried: tuple[Tried, ...]
    broken: tuple[Trial, ...]


def solid(plan: Plan) -> Plan:
    """The plan with its rules made once: a mutant is one of them, and is looked for in every scenario."""
    return replace(plan, groups=tuple(replace(group, rules=tuple(group.rules)) for group in plan.groups))


def all_trials(cases: Sequence[Case], proofs: Sequence[ProofFile]) -> tuple[Trial, ...]:
    """The scenarios of all tests and proofs."""
    by_hand = (trial for case in cases for trial in trials(case.test.service, case.test.span, case.groups, case.text))
    made = (trial for file in proofs for trial in trials(file.proof.ref, file.proof.span, file.groups, file.text))
    return (*by_hand, *made)


def chosen(plan: Plan, only: str | None, limit: int | None, seed: int) -> tuple[Mutant, ...]:
    """All mutants of rules whose definition has *only* in its name, or *limit* of them: the same for a *seed*."""
    every = tuple(mutant for mutant in mutants(plan) if not only or only in mutant.ref)
    if limit is None or limit >= len(every):
        return every
    picked = sorted(random.Random(seed).sample(range(len(every)), limit))  # noqa: S311 -- a choice, not a secret
    return tuple(every[n] for n in picked)


@dataclass(slots=True)
class _State:
    """A mutant on its way: the trials that it has yet to meet (by number, the last one first), and what it has cost."""

    mutant: Mutant
    waiting: list[tuple[float, int]]
    tests: int
    spent: float = 0.0
    noticed: bool = False

    def next(self) -> Iterator[tuple[float, int]]:
        """The next trial, and more of them where they cost no more than half of what was spent before."""
        budget = self.spent / 2
        while self.waiting and budget >= 0:
            cost, number = self.waiting.pop()
            self.spent += cost
            budget -= cost
            yield cost, number
            if self.waiting and self.waiting[-1][0] > budget:
                break


@dataclass(slots=True)
class _Work:
    """Choruses for one process, and what they cost."""

    choruses: list[Chorus] = field(default_factory=list)
    cost: float = 0.0


def try_out(
    tried: Sequence[Mutant],
    given: Sequence[Trial],
    promtool: Promtool,
    jobs: int,
    progress: Callable[[int, int], None] = lambda _met, _noticed: None,
) -> Outcome:
    """Run every mutant against its scenarios, in rounds; what one has noticed meets no further one.

    The first chorus of a scenario has the rules without a mistake as well: if they do not pass, the scenario judges
    nobody. *progress* is told how many mutants are through and how many of them were noticed.
    """
    states = [_state(mutant, given) for mutant in tried]
    broken: dict[int, None] = {}
    sound: set[int] = set()
    while True:
        asked: dict[int, list[tuple[float, int]]] = {}
        for number, state in enumerate(states, start=1):
            if not state.noticed:
                for cost, trial in state.next():
                    asked.setdefault(trial, []).append((cost, number))
        through = sum(state.noticed or not state.waiting for state in states)
        progress(through, sum(state.noticed for state in states))
        if not asked:
            break
        fresh = asked.keys() - sound - broken.keys()
        meant = dict(enumerate(states, start=1))
        for trial, heard in _round(_Round(given, asked, frozenset(fresh)), meant, promtool, jobs):
            if NOBODY in heard:
                broken[trial] = None
            for number in heard - {NOBODY} if trial not in broken else ():
                meant[number].noticed = True
        sound |= fresh - broken.keys()
    return Outcome(
        tuple(Tried(state.mutant, state.noticed, state.tests) for state in states),
        tuple(given[number] for number in broken),
    )


def _state(mutant: Mutant, given: Sequence[Trial]) -> _State:
    costs = [(cost, number) for number, trial in enumerate(given) if (cost := trial.cost(mutant.original)) is not None]
    return _State(mutant, sorted(costs, reverse=True), len(costs))


def _round(
    rounds: "_Round", states: Mapping[int, _State], promtool: Promtool, jobs: int
) -> Iterator[tuple[int, frozenset[int]]]:
    """Which voices (by number) each trial noticed; trials that nobody has met yet say first whether they are sound."""
    works = _works([(chorus, cost) for _, chorus, cost in rounds.choruses(states)])
    found: list[tuple[int, frozenset[int]]] = []
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        try:
            for heard in pool.map(lambda work: run_choruses(work.choruses, _runner(promtool)), works):
                found += [(int(path.partition(".")[0]), numbers) for path, numbers in heard.items()]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return iter(sorted(found, key=lambda each: NOBODY not in each[1]))


@dataclass(frozen=True, slots=True)
class _Round:
    """Who meets which trial (by numbers, with the costs), and which of the trials nobody has met before."""

    given: Sequence[Trial]
    asked: Mapping[int, Sequence[tuple[float, int]]]
    fresh: frozenset[int]

    def choruses(self, states: Mapping[int, _State]) -> Iterator[tuple[int, Chorus, float]]:
        """With what each is about to cost."""
        for number, some in self.asked.items():
            trial = self.given[number]
            begun: list[tuple[Voice, float]] = [(Voice(NOBODY, None), some[0][0])] * (number in self.fresh)
            voices = [*begun, *((Voice(who, states[who].mutant), cost) for cost, who in some)]
            alone = [each for each in voices if apart(trial, each[0].mutant)]
            parts = [[each] for each in alone] + _parts([each for each in voices if each not in alone])
            for part, singing in enumerate(parts):
                chorus = Chorus(trial, tuple(voice for voice, _ in singing), f"{number}.{part}")
                yield number, chorus, sum(cost for _, cost in singing)


def _parts(voices: Sequence[tuple[Voice, float]]) -> list[list[tuple[Voice, float]]]:
    parts: list[list[tuple[Voice, float]]] = []
    room = 0.0
    for voice, cost in voices:
        if not parts or len(parts[-1]) >= _MOST_VOICES or cost > room:
            parts.append([])
            room = _MOST_COST
        parts[-1].append((voice, cost))
        room -= cost
    return parts


def _works(choruses: Sequence[tuple[Chorus, float]]) -> list[_Work]:
    """The long ones begin first."""
    works = [_Work()]
    for chorus, cost in sorted(choruses, key=lambda each: -each[1]):
        if works[-1].choruses and (works[-1].cost + cost > _MOST_COST or len(works[-1].choruses) >= _MOST_FILES):
            works.append(_Work())
        works[-1].choruses.append(chorus)
        works[-1].cost += cost
    return works


def _runner(promtool: Promtool) -> Callable[[Sequence[Chorus]], Sequence[tuple[list[str], list[str]]]]:
    def run(choruses: Sequence[Chorus]) -> Sequence[tuple[list[str], list[str]]]:
        files = {path: text for chorus in choruses for path, text in chorus.files().items()}
        reports = promtool.test_rules(files, [chorus.path for chorus in choruses])
        return [
            ([miss.expr for miss in reports[chorus.path].misses], list(reports[chorus.path].faults))
            for chorus in choruses
        ]

    return run
