"""The test files of all proofs, each with the rules that it needs."""

from tocsin.plan import Plan
from tocsin.proofs.build import Proofs
from tocsin.proofs.slices import Index
from tocsin.proofs.testfile import ProofFile

LEFT_OPEN = (3, 0)
"""From this version of Prometheus on windows do not hold the sample at their beginning."""


def proof_files(made: Proofs, rules: Plan) -> tuple[ProofFile, ...]:
    """The test files of all proofs, numbered in their order."""
    found = []
    by_file: dict[str, Index] = {}
    for number, proof in enumerate(made.proofs, start=1):
        if proof.file not in by_file:
            by_file[proof.file] = Index(tuple(group for group in rules.groups if group.file == proof.file))
        stem = f"proof.{number:05}"
        index = by_file[proof.file]
        groups = index.given(proof.subjects) if proof.alone else index.needed(proof.subjects)
        found.append(ProofFile(proof, groups, f"{stem}.test.yml", f"{stem}.rules.yml"))
    return tuple(found)
