"""The rules of objectives that differ in words only: written once with holes, and filled in for each objective.

Never needed, for `rules_text` writes the same, but three times as fast (`plan.objective` says what it rests on). A
form is made when the second objective of its pattern comes, so that one without its like costs nothing, and is used
for others only if it says of that objective what `rules_text` says.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from tocsin.plan import Late, Rule
from tocsin.plan.objective import Likeness, Objective, likeness
from tocsin.targets.rule_text import rules_text
from tocsin.targets.yaml_text import is_plain, scalar
from tocsin.template import verbatim


def written(rules: Sequence[Rule]) -> str:
    """What `rules_text` says of them."""
    if not isinstance(rules, Late):
        return rules_text(rules)
    like = likeness(rules.of)
    if not all(map(is_plain, like.words)):
        return rules_text(rules)
    return _form(rules.make, like.pattern).text(rules, like)


class _Form:
    """The text of the rules of a pattern, cut at its holes: every other piece is a hole, by its number in *order*."""

    __slots__ = ("_asked", "_order", "_pattern", "_pieces")

    def __init__(self, pattern: Late) -> None:
        self._pattern = pattern
        self._asked = 0
        self._pieces: list[str] = []
        self._order: list[int] = []

    def text(self, rules: Late, like: Likeness) -> str:
        """What is said of an objective of the pattern."""
        self._asked += 1
        if self._pieces:
            return self._filled(like)
        text = rules_text(rules)
        if self._asked == 2:  # the second one
            self._cut(like.holes)
            if self._filled(like) != text:
                self._pieces.clear()
        return text

    def _cut(self, holes: tuple[str, ...]) -> None:
        self._pieces = re.split(f"({'|'.join(map(re.escape, holes))})", rules_text(self._pattern))
        self._order = [holes.index(hole) for hole in self._pieces[1::2]]

    def _filled(self, like: Likeness) -> str:
        words = (*like.words, *(scalar(verbatim(text)) for text in like.texts))
        pieces = self._pieces.copy()
        pieces[1::2] = [words[number] for number in self._order]
        return "".join(pieces)


@lru_cache(maxsize=512)
def _form(make: Callable[[Objective], Iterable[Rule]], pattern: Objective) -> _Form:
    return _Form(Late(make, pattern))
