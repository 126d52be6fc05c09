"""The trail of exclusions over the API: every one that an objective or a contract ever had, and what it took."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import Field

from tocsin.adapters.ledger_trail import Line
from tocsin.errors import UnavailableError
from tocsin.service.api import ERRORS, Desk
from tocsin.service.parameters import LONGEST_NAME, ApiError, StrictRoute, did_you_mean
from tocsin.service.shapes import Shape
from tocsin.sli import SlicedSli

log = logging.getLogger(__name__)
Unit = Literal["events", "slices", "seconds"]


class TrailLine(Shape):
    """One exclusion and what it took, of an objective as a whole, of a contract in one period.

    *firstAt* is since when it was applied, *lastAt* when its figures changed last.
    """

    period: datetime | None = Field(default=None, description="When the period of a contract began.")
    start: datetime
    end: datetime
    reason: str
    treat: str
    removed: float
    forgiven: float = Field(description="What counts as good.")
    spared: float = Field(description="How much of both had been bad.")
    first_at: datetime
    last_at: datetime
    withdrawn_at: datetime | None = Field(default=None, description="Null while it is agreed.")


class TrailShape(Shape):
    """Every exclusion that there ever was, those that were withdrawn included."""

    of: str
    unit: Unit
    exclusions: list[TrailLine]


def _shape(name: str, unit: Unit, lines: Iterable[Line]) -> TrailShape:
    """The trail of an objective or a contract."""
    size = 1000 if unit == "seconds" else 1
    return TrailShape(
        of=name,
        unit=unit,
        exclusions=[
            TrailLine(
                period=one.period,
                start=one.start,
                end=one.end,
                reason=one.reason,
                treat=one.treat,
                removed=one.removed / size,
                forgiven=one.forgiven / size,
                spared=one.spared / size,
                first_at=one.first_at,
                last_at=one.last_at,
                withdrawn_at=one.withdrawn_at,
            )
            for one in lines
        ],
    )


class Exclusions:
    """The answers."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def of_objective(
        self,
        service: Annotated[str, Path(description="A service.")],
        slo: Annotated[str, Path(description="One of its objectives.")],
    ) -> TrailShape:
        """The trail of an objective's exclusions.

        Every one that there ever was: what it took as a whole, since when it was applied, and when it was withdrawn.
        """
        ref = f"{service}/{slo}"
        known = {one.ref: one for each in self._desk.board.read().workspace.services for one in each.slos}
        if ref not in known:
            hint = did_you_mean(ref, known, "no objective is defined")
            raise ApiError(404, "unknown-slo", f"there is no objective {ref[:LONGEST_NAME]!r}", hint)
        return _shape(ref, "slices" if isinstance(known[ref].sli, SlicedSli) else "events", self._read(ref))

    def of_contract(self, sla: Annotated[str, Path(description="A contract.")]) -> TrailShape:
        """The trail of a contract's exclusions, period by period."""
        known = [one.name for one in self._desk.board.read().workspace.slas]
        if sla not in known:
            hint = did_you_mean(sla, known, "no contract is defined")
            raise ApiError(404, "unknown-sla", f"there is no contract {sla[:LONGEST_NAME]!r}", hint)
        return _shape(sla, "seconds", self._read(sla))

    def _read(self, name: str) -> Sequence[Line]:
        try:
            return self._desk.trail(name)
        except UnavailableError as error:
            log.warning("the trail of exclusions could not be read", extra={"error": str(error)})
            raise ApiError(503, "store-unavailable", "the trail of exclusions could not be read") from error


def create_router(desk: Desk) -> APIRouter:
    """The routes under `/api/v1`."""
    found, get = Exclusions(desk), ["GET"]
    router = APIRouter(prefix="/api/v1", responses={422: ERRORS[422]}, route_class=StrictRoute)
    router.add_api_route("/slos/{service}/{slo}/exclusions", found.of_objective, methods=get, responses=ERRORS)
    router.add_api_route("/slas/{sla}/exclusions", found.of_contract, methods=get, responses=ERRORS)
    return router
