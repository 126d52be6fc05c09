"""Label sets of which those within a larger one are found without looking at all of them.

There are thousands of instances of a rule in a storm, and few ways in which they are named.
"""

from collections.abc import Iterable

from tocsin.ports import Labels


class LabelSets:
    """Sets of labels by their names.

    >>> known = LabelSets([(("pod", "a"),), (("pod", "a"), ("zone", "1")), (("pod", "b"),)])
    >>> known.within((("job", "j"), ("pod", "a"), ("zone", "2")))
    [(('pod', 'a'),)]
    """

    def __init__(self, sets: Iterable[Labels] = ()) -> None:
        self._by_names: dict[tuple[str, ...], set[Labels]] = {}
        for labels in sets:
            self.add(labels)

    def add(self, labels: Labels) -> None:
        """Know one more."""
        self._by_names.setdefault(tuple(name for name, _ in labels), set()).add(labels)

    def within(self, labels: Labels) -> list[Labels]:
        """Those all of whose labels are among *labels*."""
        values = dict(labels)
        found = []
        for names, known in self._by_names.items():
            part = tuple((name, values[name]) for name in names if name in values)
            if len(part) == len(names) and part in known:
                found.append(part)
        return found
