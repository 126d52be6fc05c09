"""What became of messages: `GET /api/v1/deliveries`, above all those that were given up."""

import logging
from datetime import datetime
from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field

from tocsin.evaluate.memory import Letter
from tocsin.service.api import Desk
from tocsin.service.parameters import ApiError
from tocsin.service.shapes import Shape

log = logging.getLogger(__name__)

DeliveryStatus = Literal["pending", "sent", "dead", "superseded"]


class DeliveryOf(Shape):
    """One message for one channel; *key* names its incident or conversation, *detail* is what came of it last."""

    channel: str
    recipient: str | None = Field(
        default=None, description="Which of the channel's recipients it is for, if it has any."
    )
    key: str
    action: Literal["fire", "repeat", "acknowledge", "resolve"]
    status: DeliveryStatus
    alerts: list[str] = Field(description="Titles, at most ten.")
    created_at: datetime
    settled_at: datetime | None = Field(default=None, description="When it was sent or given up.")
    attempts: int
    detail: str
    fallback: str | None = Field(default=None, description="The channel that got it instead.")


class Deliveries(Shape):
    """Messages, newest first."""

    deliveries: list[DeliveryOf]


def delivery_of(letter: Letter) -> DeliveryOf:
    """A message as the API shows it."""
    return DeliveryOf.model_validate(
        {
            "channel": letter.channel,
            "recipient": letter.recipient or None,
            "key": letter.dedup_key,
            "action": letter.action,
            "status": letter.status,
            "alerts": list(letter.titles),
            "created_at": letter.created_at,
            "settled_at": letter.settled_at,
            "attempts": letter.attempts,
            "detail": letter.detail,
            "fallback": letter.fallback,
        }
    )


class DeliveriesApi:
    """Answers from the outbox."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def deliveries(
        self,
        status: Annotated[DeliveryStatus, Query(description="What became of them.")] = "dead",
        limit: Annotated[int, Query(ge=1, le=1000, description="At most so many.")] = 100,
    ) -> Deliveries:
        """Messages of the last 30 days by what became of them, newest first.

        `dead` are those that were refused or could not be sent in time; `fallback` says which channel got them instead.
        """
        try:
            letters = self._desk.store.letters(status, limit)
        except Exception as error:
            log.exception("the outbox could not be read")
            raise ApiError(503, "store-unavailable", "the outbox could not be read") from error
        return Deliveries(deliveries=[delivery_of(letter) for letter in letters])
