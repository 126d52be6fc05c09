"""How silences are made, changed and ended: by Alertmanager's rules."""

from dataclasses import replace

import pytest
from tests.alerts import NOON, seconds

from tocsin.matchers import parse_matchers
from tocsin.notify.silences import Silence, SilenceError, asked, ended


def silence(start: float, end: float, matchers: str = "slo=uptime", name: str = "") -> Silence:
    """One from *start* to *end* in seconds after noon."""
    whom = parse_matchers(matchers)
    return Silence(name, whom, NOON + seconds(start), NOON + seconds(end), "ana", "disks", NOON)


def test_a_new_silence_gets_an_id_and_does_not_begin_in_the_past() -> None:
    """What began an hour ago began now: it silenced nobody before."""
    (made,) = asked(silence(-3_600, 60), None, "fresh", NOON)

    assert (made.id, made.starts_at, made.ends_at) == ("fresh", NOON, NOON + seconds(60))


def test_an_active_silence_may_be_lengthened_in_place() -> None:
    """Same matchers, same start: same id."""
    known = silence(-60, 60, name="s1")
    (made,) = asked(replace(known, ends_at=NOON + seconds(900)), known, "fresh", NOON)

    assert (made.id, made.starts_at, made.ends_at) == ("s1", known.starts_at, NOON + seconds(900))


def test_changing_whom_it_matches_makes_a_new_one_and_ends_the_old() -> None:
    """The trail stays true: who was silenced until when."""
    known = silence(-60, 60, name="s1")
    old, made = asked(silence(-60, 60, "slo=latency", "s1"), known, "fresh", NOON)

    assert (old.id, old.state(NOON), made.id, made.starts_at) == ("s1", "expired", "fresh", NOON)


def test_an_expired_silence_is_made_anew() -> None:
    """`amtool silence update` of an ended one: it is not revived under its id."""
    known = silence(-60, -30, name="s1")
    (made,) = asked(replace(known, ends_at=NOON + seconds(60)), known, "fresh", NOON)

    assert (made.id, made.starts_at) == ("fresh", NOON)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (silence(0, 0), "past"),
        (silence(-60, -30), "past"),
        (silence(60, 30), "before end"),
        (silence(0, 60, 'slo=~".*"'), "empty string"),
        (silence(0, 60, 'slo!="a"'), "empty string"),
        (replace(silence(0, 60), matchers=()), "at least one matcher"),
    ],
)
def test_what_would_silence_everything_or_nothing_is_refused(wanted: Silence, said: str) -> None:
    """A typo must not silence the platform."""
    with pytest.raises(SilenceError, match=said):
        asked(wanted, None, "fresh", NOON)


def test_ending_keeps_what_it_was() -> None:
    """An active one ends now, a pending one never begins, an ended one cannot end again."""
    assert ended(silence(-60, 60), NOON).ends_at == NOON
    never = ended(silence(60, 120), NOON)
    assert (never.starts_at, never.ends_at) == (NOON, NOON)
    with pytest.raises(SilenceError, match="already expired"):
        ended(silence(-60, -30), NOON)


def test_a_clock_that_is_set_back_undoes_nothing() -> None:
    """What somebody has ended mutes nobody again, and what has begun goes on; what was to begin later does so."""
    (made,) = asked(silence(0, 3_600), None, "s1", NOON)
    earlier = NOON - seconds(1_800)
    before = replace(silence(-7_200, 3_600), updated_at=NOON - seconds(7_200))
    later = silence(60, 3_600)

    assert [one.state(earlier) for one in (made, ended(before, NOON), later)] == ["active", "expired", "pending"]
