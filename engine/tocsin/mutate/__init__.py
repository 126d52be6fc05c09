"""Mutants: rules with one small mistake each, to see whether a test notices."""

from tocsin.mutate.chorus import Chorus, Voice, apart, run_choruses
from tocsin.mutate.rules import Mutant, mutants
from tocsin.mutate.score import Scores, Tried, scores, survivor
from tocsin.mutate.trials import Trial, trials

__all__ = [
    "Chorus",
    "Mutant",
    "Scores",
    "Trial",
    "Tried",
    "Voice",
    "apart",
    "mutants",
    "run_choruses",
    "scores",
    "survivor",
    "trials",
]
