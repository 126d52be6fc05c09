"""Silences over the API: made, changed, ended, listed."""

from datetime import datetime

from pydantic import ValidationError

from tocsin.matchers import LabelMatcher, MatcherError, Matchers, fulfilled
from tocsin.notify.silences import Silence, SilenceError
from tocsin.service.alertmanager.shapes import GettableSilence, MatcherShape, PostableSilence, SilenceStatus
from tocsin.service.alertmanager.work import Office, RefusedError, first_fault, in_utc


def listed(office: Office, asked: Matchers) -> list[GettableSilence]:
    """Those that *asked* matches by the values of their matchers; active ones first, those that end soonest."""
    now = office.clock.now()
    rank = {"active": 0, "pending": 1, "expired": 2}

    def order(silence: Silence) -> tuple[int, float]:
        state, end = silence.state(now), silence.ends_at.timestamp()
        return (rank[state], -end if state == "expired" else end)

    found = [silence for silence in office.quiet.now_known() if _about(silence, asked)]
    return [_shown(silence, now) for silence in sorted(found, key=order)]


def one(office: Office, name: str) -> GettableSilence:
    """The one with this id."""
    found = next((each for each in office.quiet.now_known() if each.id == name), None)
    if found is None:
        raise RefusedError(404, f"silence {name} not found")
    return _shown(found, office.clock.now())


def make(office: Office, body: bytes) -> str:
    """Make or change one; returns the id of the one that holds now."""
    now = office.clock.now()
    try:
        posted = PostableSilence.model_validate_json(body)
    except ValidationError as error:
        raise RefusedError(422, first_fault(error)) from None
    try:
        return office.quiet.ask(_wanted(posted, now), now).id
    except MatcherError as error:
        raise RefusedError(400, f"Failed to create silence: invalid label matcher: {error}") from None
    except KeyError as error:
        raise RefusedError(404, f"silence {error.args[0]} not found") from None
    except (SilenceError, ValueError) as error:
        raise RefusedError(400, f"Failed to create silence: {error}") from None


def end(office: Office, name: str) -> None:
    """End the one with this id."""
    try:
        office.quiet.end(name, office.clock.now())
    except KeyError:
        raise RefusedError(404, f"silence {name} not found") from None
    except SilenceError as error:
        raise RefusedError(500, str(error)) from None


def _wanted(posted: PostableSilence, now: datetime) -> Silence:
    matchers = tuple(LabelMatcher(m.name, m.value, m.is_regex, not m.is_equal) for m in posted.matchers)
    return Silence(
        posted.id,
        matchers,
        in_utc(posted.starts_at),
        in_utc(posted.ends_at),
        posted.created_by,
        posted.comment,
        now,
    )


def _about(silence: Silence, asked: Matchers) -> bool:
    """Alertmanager's filter of silences: by the values of their matchers, as if those were labels."""
    return fulfilled(asked, {matcher.name: matcher.value for matcher in silence.matchers})


def _shown(silence: Silence, now: datetime) -> GettableSilence:
    return GettableSilence(
        id=silence.id,
        matchers=[
            MatcherShape(name=m.name, value=m.value, is_regex=m.regular, is_equal=not m.negated)
            for m in silence.matchers
        ],
        starts_at=silence.starts_at,
        ends_at=silence.ends_at,
        created_by=silence.created_by,
        comment=silence.comment,
        status=SilenceStatus(state=silence.state(now)),
        updated_at=silence.updated_at,
    )
