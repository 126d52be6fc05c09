"""Kinds of options that several commands share."""

import math
from typing import Any

import click


class Seconds(click.FloatRange):
    """A finite number of seconds, at most a day."""

    def __init__(self) -> None:
        super().__init__(min=0.1, max=86_400)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Refuse what is no number, too; a comparison with it is always false."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is not a number of seconds", param, ctx)
        return number
