"""Tests for `promtool test rules` beside the compiled rules: those of the definitions, and the proofs of all rules.

Each test file stands beside the rules that it asks for and what these read, with the text that they have below
`prometheus/rules/`: promtool evaluates every rule of a file at every step, and what reads recordings is proved by
recordings that are given. So a suite takes seconds, and nothing but promtool is needed to run it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from tocsin.plan import Plan
from tocsin.promql_syntax import Version
from tocsin.proofs.build import Proofs, proofs
from tocsin.proofs.files import LEFT_OPEN, proof_files
from tocsin.proofs.testfile import ProofFile
from tocsin.targets.artifact import Artifact, header
from tocsin.targets.prometheus import rule_file
from tocsin.targets.promtest import Case, cases
from tocsin.workspace import Workspace

TESTS = "prometheus/tests"


def made_proofs(plan: Plan, workspace: Workspace) -> Proofs:
    """The proofs for the Prometheus that the platform says, 2.x where nobody says one."""
    said = workspace.platform.prometheus.version if workspace.platform else ""
    return proofs(workspace, plan, slack=int(bool(said) and Version.of(said) >= LEFT_OPEN))


def unit_tests(plan: Plan, workspace: Workspace, made: Proofs) -> tuple[Artifact, ...]:
    """All test files with their rules, below a folder for each service or journey, sorted by path."""
    written = [each for case in cases(plan, workspace) for each in _by_hand(case)]
    numbers = Counter[str]()
    for file in proof_files(made, plan):
        name = file.proof.ref.lower()  # an alert and an objective of one name may be one file to the file system
        numbers[name] += 1
        written += _proof(file, f"{TESTS}/{file.proof.ref}.{numbers[name]:02}")
    return tuple(sorted(written))


def _by_hand(case: Case) -> Iterator[Artifact]:
    service, _, number = case.path.removesuffix(".test.yml").rpartition(".")
    folder = f"{TESTS}/{service}"
    text = case.text.replace(f'"{case.rules.path}"', f'"{number}.rules.yml"', 1)
    yield Artifact(f"{folder}/{number}.rules.yml", case.rules.text)
    yield Artifact(f"{folder}/{number}.test.yml", header([case.test.span.path]) + text)


def _proof(file: ProofFile, stem: str) -> Iterator[Artifact]:
    rules = f"{stem}.rules.yml"
    file = replace(file, rules=rules.rpartition("/")[2])
    yield Artifact(rules, partial(rule_file, file.groups))
    yield Artifact(f"{stem}.test.yml", partial(_test_file, file))


def _test_file(file: ProofFile) -> str:
    return header([file.proof.span.path]) + file.text
