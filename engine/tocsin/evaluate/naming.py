"""Under which names the ledger holds an objective, and the groups that it is divided into.

All of a divided objective is held under its reference, like one that is not divided. Each group is held under the
labels that divide it, too: `shop/routes{route="/pay"}`. A label that it lacks is written as empty, as in PromQL, so the
group without labels is `shop/routes{route=""}`. That one is stated for every day, also where there is no such group: it
tells that the day was counted by these labels.
"""

from tocsin.matchers import parse_matchers
from tocsin.ports import Labels
from tocsin.promql import matchers


def name_of(ref: str, by: tuple[str, ...], group: Labels = ()) -> str:
    """The name of a *group* of an objective that is divided *by* labels; that of the objective where it is not divided.

    >>> name_of("shop/routes", ("route", "zone"), (("route", "/pay"),))
    'shop/routes{route="/pay",zone=""}'
    >>> name_of("shop/uptime", ())
    'shop/uptime'
    """
    values = dict(group)
    return ref + matchers(tuple((label, values.get(label, "")) for label in by)) if by else ref


def group_of(name: str, by: tuple[str, ...]) -> Labels | None:
    """The group of a name; None where it is not one of those that these labels make.

    >>> group_of('shop/routes{route="/pay",zone=""}', ("route", "zone"))
    (('route', '/pay'),)
    >>> group_of('shop/routes{route="/pay"}', ("route", "zone")) is group_of("shop/routes", ("route",)) is None
    True
    """
    _, brace, labels = name.partition("{")
    named = [(one.name, one.value) for one in parse_matchers(brace + labels)] if labels else []
    return tuple(pair for pair in named if pair[1]) if tuple(label for label, _ in named) == by else None
