"""The page of one objective: how it stands, and who spent its budget in the last hour and in its whole window."""

import logging
from asyncio import to_thread
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from tocsin.adapters.ledger_trail import Line
from tocsin.errors import SourceError, UnavailableError
from tocsin.evaluate.measures import Excluded
from tocsin.evaluate.model import SloStatus
from tocsin.service import attributing, page, phrases
from tocsin.service.api import Desk
from tocsin.service.askers import BusyError
from tocsin.service.board import Standing
from tocsin.service.shapes import Attributions
from tocsin.sli import SlicedSli
from tocsin.spec import Exclusion, Slo
from tocsin.units import Duration

log = logging.getLogger(__name__)

INCIDENT = Duration.of(hours=1)
MOST = 5
"""Values of a label that are shown; the others are one line."""
Spent = tuple[Duration, Attributions | None, str]
"""A window, who spent the budget in it, and why nobody can tell."""


async def render_objective(desk: Desk, ref: str) -> str | None:
    """The page of the objective *ref*; None where there is none."""
    standing, now = desk.board.read(), desk.clock.now().replace(microsecond=0)
    slo = next((slo for service in standing.workspace.services for slo in service.slos if slo.ref == ref), None)
    if slo is None:
        return None
    windows = tuple(dict.fromkeys((INCIDENT, slo.window)))
    late = f"no answer within {desk.askers.patience:g} s"
    try:
        answers = await desk.askers.ask([_question(desk, slo, window, now) for window in windows])
    except BusyError:
        answers, late = [None for _ in windows], "too many requests ask the metric source at the moment"
    spent = [
        (window, answer if isinstance(answer, Attributions) else None, answer if isinstance(answer, str) else late)
        for window, answer in zip(windows, answers, strict=True)
    ]
    try:
        lines = await to_thread(desk.trail, slo.ref)
    except UnavailableError as error:
        log.warning("the trail of exclusions could not be read", extra={"error": str(error)})
        lines = ()
    return _render(standing, slo, spent, lines, now)


def _question(desk: Desk, slo: Slo, window: Duration, now: datetime) -> Callable[[], Attributions | str]:
    """Ask for one window; a source that does not tell says why, so that the other window is still shown."""
    ask = partial(attributing.attributions, desk.source, slo, (), window=window, most=MOST, now=now)

    def answer() -> Attributions | str:
        try:
            return ask()
        except SourceError as error:
            return str(error)

    return answer


def _render(standing: Standing, slo: Slo, spent: list[Spent], lines: Sequence[Line], now: datetime) -> str:
    snapshot = standing.snapshot
    status = next((one for one in snapshot.slos if one.ref == slo.ref), None) if snapshot is not None else None
    return (
        page.environment()
        .get_template("objective.html.j2")
        .render(
            slo=slo,
            status=status,
            tone="blind" if status is None else page.slo_tone(status),
            spent=spent,
            taken=_taken(slo, status, lines),
            since={(one.start, one.end, one.treat, one.reason): one.first_at for one in lines},
            withdrawn=[one for one in lines if one.withdrawn_at is not None],
            unit="Slices" if isinstance(slo.sli, SlicedSli) else "Events",
            css=page.CSS,
            now=now,
            version=standing.version,
            when=lambda at: phrases.clock_time(at, now),
        )
    )


def _taken(slo: Slo, status: SloStatus | None, lines: Sequence[Line]) -> dict[Exclusion, Excluded | Line]:
    """What each exclusion took of the period; where no budget is told, what the trail says of it as a whole."""
    known = {(one.start, one.end, one.treat, one.reason): one for one in lines}
    trailed = {one: known.get((one.start, one.end, one.treat, one.reason)) for one in slo.exclusions}
    found: dict[Exclusion, Excluded | Line] = {one: line for one, line in trailed.items() if line is not None}
    return found | {one.exclusion: one for one in (status.excluded if status is not None else ())}
