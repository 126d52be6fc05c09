"""Mutants: rules with one small mistake each, to see whether a test notices."""

from tocsin.mutate.rules import Mutant, mutants
from tocsin.mutate.score import Scores, scores

__all__ = ["Mutant", "Scores", "mutants", "scores"]
