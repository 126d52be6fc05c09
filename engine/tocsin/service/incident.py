"""The page of one alert, where people acknowledge it, and the same over the API.

Nothing happens on GET: mail programs and chats fetch links to show what is behind them.
"""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from tocsin.errors import TocsinError
from tocsin.evaluate.model import AlertView
from tocsin.service import page, phrases
from tocsin.service.api import Desk
from tocsin.service.parameters import ApiError, form_of
from tocsin.service.shapes import Shape
from tocsin.service.taken import Taken


class Asked(BaseModel):
    """Who takes an alert up."""

    by: str = Field(min_length=1, max_length=500, description="Who has it.")
    comment: str = Field("", max_length=500)
    signature: str = Field("", max_length=100, description="Of the link in the message, where Tocsin has a secret.")


class Has(Shape):
    """Who has an alert."""

    by: str
    at: str
    comment: str
    held: bool = Field(default=False, description="Whether it is in memory only: the state is away, and gets it later.")


@dataclass(frozen=True, slots=True)
class Incidents:
    """What the paths work on."""

    desk: Desk
    taken: Taken

    def view(self, name: str) -> AlertView:
        """The open alert with this id."""
        found = next((v for v in self.desk.board.read().open_alerts() if v.dedup_key == name), None)
        if found is None:
            raise ApiError(404, "unknown-alert", "there is no open alert with this id", "it may be over")
        return found

    def take(self, name: str, asked: Asked) -> Has:
        """Acknowledge it."""
        self.view(name)
        self._allowed(name, asked.signature)
        if not asked.by.strip():
            raise ApiError(422, "invalid-parameter", "by: say who has it")
        found = self.taken.take(name, asked.by, asked.comment, self.desk.clock.now())
        return Has(by=found.by, at=found.at.isoformat(), comment=found.comment, held=self.taken.is_held(name))

    def give_back(self, name: str, signature: str) -> None:
        """Withdraw it."""
        self.view(name)
        self._allowed(name, signature)
        try:
            self.taken.give_back(name)
        except TocsinError as error:
            raise ApiError(503, "store-unavailable", "the acknowledgement could not be withdrawn") from error

    def _allowed(self, name: str, signature: str) -> None:
        if not self.taken.may(name, signature):
            raise ApiError(403, "not-allowed", "the signature is missing or wrong", "use the link of the message")

    def page(self, name: str, signature: str) -> str:
        """The alert, and the form."""
        standing, now = self.desk.board.read(), self.desk.clock.now()
        view = self.view(name)
        template = page.environment().get_template("incident.html.j2")
        return template.render(
            view=view,
            has=self.taken.known().get(name),
            held=self.taken.is_held(name),
            signature=signature,
            allowed=self.taken.may(name, signature),
            css=page.CSS,
            version=standing.version,
            when=lambda at: phrases.clock_time(at, now),
            since=lambda at: phrases.span(now - at),
        )


def create_router(desk: Desk, taken: Taken) -> APIRouter:
    """Page, form and API."""
    router, incidents = APIRouter(), Incidents(desk, taken)

    @router.post("/api/v1/alerts/{name}/acknowledge", summary="Take up an open alert")
    def acknowledge(name: str, asked: Asked) -> Has:
        """Nobody is reminded of it any more, nothing escalates; who came first has it."""
        return incidents.take(name, asked)

    @router.delete("/api/v1/alerts/{name}/acknowledge", status_code=204, summary="Give it back")
    def withdraw(name: str, signature: str = "") -> Response:
        """Reminders and escalation go on."""
        incidents.give_back(name, signature)
        return Response(status_code=204)

    @router.get("/alerts/{name}", include_in_schema=False)
    def show(name: str, signature: str = "") -> Response:
        return Response(incidents.page(name, signature), media_type="text/html", headers=page.FORM_HEADERS)

    @router.post("/alerts/{name}", include_in_schema=False)
    async def form(name: str, request: Request) -> Response:
        given = await form_of(request)
        signature = given.get("signature", "")
        asked = Asked.model_construct(by=given.get("by", ""), comment=given.get("comment", ""), signature=signature)
        await run_in_threadpool(incidents.take, name, asked)
        query = f"?{urlencode({'signature': signature})}" if signature else ""
        return RedirectResponse(f"./{quote(name, safe='')}{query}", 303)  # relative: a proxy may serve us below a path

    return router
