"""What is asked of a source in one look, and what becomes of questions that it does not take as they are."""

from dataclasses import dataclass
from datetime import datetime

from tests.alerts import NOON
from tests.fakes import FakeSource

from tocsin.errors import QuestionTooLongError, SourceError
from tocsin.evaluate.asking import MARK, PIECE, Asker, Unanswered, labelled
from tocsin.ports import Answer, Row

PARTS = {name: f"{name} # {name * 2_000}" for name in "abcdefg"}


@dataclass
class Short(FakeSource):
    """Takes no question of more than *most* letters; each part is worth the place of its letter."""

    most: int = 6_000

    def instant(self, query: str, at: datetime) -> Answer:
        """Answer by the names of the parts."""
        self._ask(query)
        if len(query) > self.most:
            raise QuestionTooLongError("too long query")
        if "refused" in query:
            raise SourceError("no")
        asked = [name for name in "abcdefg" if f'"{name}"' in query]
        return Answer(tuple(Row(((MARK, name),), "abcdefg".index(name)) for name in asked), at)


def test_what_is_too_long_is_asked_in_pieces() -> None:
    """Each part once, as many at a time as fit; the refusal is no failure of the look."""
    source = Short()
    asker = Asker(source, NOON)
    found = asker.parts(labelled(PARTS), lambda: PARTS)

    assert found == {name: "abcdefg".index(name) for name in PARTS}
    assert asker.failures == []
    whole, *pieces = source.asked
    assert len(whole) > PIECE
    assert [sum(f'"{name}"' in piece for name in PARTS) for piece in pieces] == [2, 2, 2, 1]


def test_what_fits_is_asked_once() -> None:
    """Nobody writes the parts again."""
    source = Short(most=10**6)

    assert Asker(source, NOON).parts(labelled(PARTS), dict) == {name: "abcdefg".index(name) for name in PARTS}
    assert len(source.asked) == 1


def test_a_piece_that_fails_is_no_answer() -> None:
    """A sum of the others would be wrong; so is one part that is too long by itself."""
    for text in ("refused", "d" * 9_000):
        parts, asker = PARTS | {"d": text}, Asker(Short(), NOON)

        assert isinstance(asker.parts(labelled(parts), parts.copy), Unanswered)
        assert len(asker.failures) == 1
