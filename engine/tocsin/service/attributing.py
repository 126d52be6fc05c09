"""Who spent a budget, for the API and for the page of an objective: questions to the metric source, on request."""

import re
from datetime import datetime, timedelta

from tocsin.errors import SourceError
from tocsin.evaluate.asking import Asker, Unanswered
from tocsin.evaluate.attribution import Attribution, Part, ask
from tocsin.ports import MetricSource
from tocsin.service.parameters import ApiError
from tocsin.service.shapes import AttributedLabel, AttributedPart, Attributions
from tocsin.spec import Slo
from tocsin.units import Duration

MOST_NAMED = 8
"""Labels that one request may name: each is a question."""
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def labels_of(text: str | None) -> tuple[str, ...]:
    """The labels of a request, `route,status`; nothing else gets into a question."""
    names = tuple(dict.fromkeys(name.strip() for name in (text or "").split(",") if name.strip()))
    for name in names:
        if not _LABEL.fullmatch(name):
            raise ApiError(422, "invalid-parameter", f"label: {name[:100]!r} is not the name of a label")
    if len(names) > MOST_NAMED:
        raise ApiError(422, "invalid-parameter", f"label: {len(names)} labels; at most {MOST_NAMED} are asked for")
    return names


def attributions(
    source: MetricSource, slo: Slo, labels: tuple[str, ...], *, window: Duration, most: int, now: datetime
) -> Attributions:
    """Attribute the bad events of the *window* that ends *now*; raises SourceError where the source does not tell."""
    found = ask(Asker(source, now), slo.sli, window, most=most, labels=labels)
    if isinstance(found, Unanswered):
        raise SourceError(found.reason)
    return Attributions(
        slo=slo.ref,
        start=now - timedelta(milliseconds=window.milliseconds),
        end=now,
        labels=[_label(one) for one in found],
    )


def _label(one: Attribution) -> AttributedLabel:
    rest = None if one.rest is None else _part(one, one.rest)
    return AttributedLabel(
        label=one.label, bad=one.bad, total=one.total, contributors=[_part(one, part) for part in one.first], rest=rest
    )


def _part(one: Attribution, part: Part) -> AttributedPart:
    return AttributedPart(
        value=part.value,
        values=part.values,
        bad=part.bad,
        total=part.total,
        share=one.share(part),
        traffic_share=one.traffic(part),
    )
