"""Series that selectors must not find: each differs from one that they do find in a single label."""

from collections.abc import Iterable, Iterator, Sequence

from tocsin.ports import Labels, labels_of
from tocsin.proofs.selectors import Selector, refused

_OTHERS = ("decoy", "999", "")


def decoys(found: Iterable[tuple[str, Labels]], selectors: Sequence[Selector]) -> Iterator[tuple[str, Labels]]:
    """For each label that *selectors* ask for, a series like one of *found* that none of them finds.

    Were a matcher missing in the rules, the events of its decoy would count.
    """
    known = set()
    for name, labels in found:
        asked = dict.fromkeys(m.label for s in selectors if s.name in {"", name} for m in s.matchers)
        for label in asked:
            against = (m for s in selectors if s.name in {"", name} for m in s.matchers if m.label == label)
            for value in (*_OTHERS, *refused(against)):
                other = labels_of({**dict(labels), label: value} if value else {k: v for k, v in labels if k != label})
                if (name, other) not in known and not any(s.accepts(name, other) for s in selectors):
                    known.add((name, other))
                    yield name, other
                    break
