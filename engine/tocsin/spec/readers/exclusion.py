"""Exclusions: what contracts and objectives write alike."""

from typing import NamedTuple
from zoneinfo import ZoneInfo

from tocsin.spec.exclusion import Exclusion
from tocsin.spec.readers.clock import read_instant
from tocsin.spec.readers.node import Node


class Codes(NamedTuple):
    """What it is called when a *time* is none, or an exclusion *ends* too early."""

    time: str
    ends: str


def read_exclusions(node: Node, zone: ZoneInfo | None, codes: Codes) -> tuple[Exclusion, ...]:
    """Those of a list that can be told; times without an offset are of *zone*."""
    found = (_exclusion(entry, zone, codes) for entry in node.elements())
    return tuple(one for one in found if one is not None)


def _exclusion(node: Node, zone: ZoneInfo | None, codes: Codes) -> Exclusion | None:
    if zone is None:
        return None
    start, end = read_instant(node["from"], zone, codes.time), read_instant(node["to"], zone, codes.time)
    if start is None or end is None:
        return None
    if end <= start:
        node["to"].report(
            codes.ends,
            f"the exclusion ends at {node['to'].value}, not after its start at {node['from'].value}",
            "the end has to be later",
            related=((node["from"].span, "its start"),),
        )
        return None
    return Exclusion(start, end, node["reason"].text(), node["treat"].text("remove"), node.span)
