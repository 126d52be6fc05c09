"""The form behind a message's silence link: it silences exactly the labels of one alert, for a while, with a reason.

Nothing happens on GET: mail programs and chats fetch links to show what is behind them. A link is of one episode, holds
for `signing.VALID` and ends with its alert; what it makes is a silence like any other, which amtool shows and ends.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from tocsin.evaluate.model import AlertView
from tocsin.matchers import LabelMatcher, Matchers
from tocsin.notify.acknowledgements import LONGEST
from tocsin.notify.routing import routing_labels
from tocsin.notify.silences import Silence, SilenceError
from tocsin.service import page, phrases
from tocsin.service.api import Desk
from tocsin.service.parameters import ApiError, form_of
from tocsin.service.quiet import Quiet
from tocsin.service.signing import Permit, refusal
from tocsin.units import Duration, UnitError

OFFERED = ("30m", "1h", "2h", "4h", "8h", "1d", "3d", "7d")
USUAL = "2h"
LONGEST_SILENCE = Duration.of(days=30)


@dataclass(frozen=True, slots=True)
class Silencing:
    """What the paths work on."""

    desk: Desk
    quiet: Quiet
    secret: str = ""

    def page(self, name: str, shown: Permit) -> str:
        """What would be silenced, what is already, and the form."""
        view, now = self._view(name), self.desk.clock.now()
        standing = self.desk.board.read()
        return (
            page.environment()
            .get_template("silence.html.j2")
            .render(
                view=view,
                matchers=matchers_of(view),
                silences=self._active(view, now),
                refusal=refusal(self.secret, name, shown, now),
                permit=shown,
                offered=[(each, phrases.span(Duration.parse(each).timedelta)) for each in OFFERED],
                usual=USUAL,
                css=page.CSS,
                version=standing.version,
                when=lambda at: phrases.clock_time(at, now),
            )
        )

    def make(self, name: str, shown: Permit, given: dict[str, str]) -> Silence:
        """Silence it; the form sent twice changes the silence that it made first."""
        view, now = self._view(name), self.desk.clock.now()
        if why := refusal(self.secret, name, shown, now):
            raise ApiError(403, "not-allowed", why, "use the link of the newest message")
        by, comment = (given.get(key, "").strip()[:LONGEST] for key in ("by", "comment"))
        if not by or not comment:
            raise ApiError(422, "invalid-parameter", "say who silences it, and why")
        ends, matchers = now + _length(given.get("duration", "")), matchers_of(view)
        known = next((one for one in self._active(view, now) if sorted(one.matchers) == sorted(matchers)), None)
        wanted = Silence(known.id if known else "", matchers, known.starts_at if known else now, ends, by, comment, now)
        try:
            return self.quiet.ask(wanted, now)
        except (SilenceError, KeyError) as error:
            raise ApiError(422, "invalid-parameter", f"it cannot be silenced: {error}") from None

    def _view(self, name: str) -> AlertView:
        found = next((v for v in self.desk.board.read().open_alerts() if v.dedup_key == name), None)
        if found is None:
            raise ApiError(404, "unknown-alert", "there is no open alert with this id", "it may be over")
        return found

    def _active(self, view: AlertView, now: datetime) -> tuple[Silence, ...]:
        labels = routing_labels(view)
        return tuple(one for one in self.quiet.now_known() if one.mutes(labels, now))


def matchers_of(view: AlertView) -> Matchers:
    """Every label of this alert, as it is."""
    return tuple(LabelMatcher(name, value) for name, value in sorted(routing_labels(view).items()) if value)


def _length(text: str) -> timedelta:
    try:
        length = Duration.parse(text.strip())
    except UnitError as error:
        raise ApiError(422, "invalid-parameter", f"duration: {error}") from error
    if not Duration.of(minutes=1) <= length <= LONGEST_SILENCE:
        raise ApiError(422, "invalid-parameter", f"duration: {text!r} is outside 1m to {LONGEST_SILENCE}")
    return length.timedelta


def create_router(silencing: Silencing) -> APIRouter:
    """Page and form."""
    router = APIRouter(include_in_schema=False)

    @router.get("/alerts/{name}/silence")
    def show(name: str, expires: str = "", signature: str = "") -> Response:
        words = silencing.page(name, Permit(expires, signature))
        return Response(words, media_type="text/html", headers=page.FORM_HEADERS)

    @router.post("/alerts/{name}/silence")
    async def form(name: str, request: Request) -> Response:
        given = await form_of(request)
        shown = Permit(given.get("expires", ""), given.get("signature", ""))
        await run_in_threadpool(silencing.make, name, shown, given)
        return RedirectResponse(f"./silence{shown.query}", 303)  # relative: a proxy may serve us below a path

    return router
