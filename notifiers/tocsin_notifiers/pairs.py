"""Labels, facts and links in a workspace's own template: pairs in their order, and values by name as in a mapping."""

from collections.abc import Iterator
from dataclasses import replace
from typing import SupportsIndex, overload

from jinja2 import Environment, Undefined, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tocsin.ports import AlertText


class Pairs(tuple[tuple[str, str], ...]):
    """Names with their values.

    >>> labels = Pairs((("team", "db"), ("zone", "a")))
    >>> labels.get("team"), labels.get("x", "none"), labels["zone"], "team" in labels, "db" in labels
    ('db', 'none', 'a', True, False)
    >>> list(labels) == list(labels.items()), labels.keys(), labels.values()
    (True, ('team', 'zone'), ('db', 'a'))
    """

    __slots__ = ()

    @overload
    def __getitem__(self, key: str) -> str: ...
    @overload
    def __getitem__(self, key: SupportsIndex) -> tuple[str, str]: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[tuple[str, str], ...]: ...
    def __getitem__(self, key: str | SupportsIndex | slice) -> str | tuple[str, str] | tuple[tuple[str, str], ...]:
        """The value of a name; by number, a pair."""
        return dict(self.items())[key] if isinstance(key, str) else super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        """Whether there is a value of this name."""
        return any(name == key for name, _ in self)

    def get(self, name: str, default: str | None = None) -> str | None:
        """The value of a name, or *default*."""
        return dict(self.items()).get(name, default)

    def items(self) -> tuple[tuple[str, str], ...]:
        """All pairs."""
        return tuple(self)

    def keys(self) -> tuple[str, ...]:
        """All names."""
        return tuple(name for name, _ in self)

    def values(self) -> tuple[str, ...]:
        """All values."""
        return tuple(value for _, value in self)


METHODS = ("get", "items", "keys", "values")


class PairsEnvironment(ImmutableSandboxedEnvironment):
    """Knows `labels.team` and `labels['team']`; a name without a value is empty, as a label that an alert lacks."""

    def getattr(self, obj: object, attribute: str) -> object:
        """One of the methods, else a value."""
        if isinstance(obj, Pairs) and attribute not in METHODS:
            return self.getitem(obj, attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: object, argument: object) -> object:
        """A value, never anything else of the object."""
        if isinstance(obj, Pairs) and isinstance(argument, str):
            return obj[argument] if argument in obj.keys() else Undefined(obj=obj, name=argument)  # noqa: SIM118
        return super().getitem(obj, argument)


def asked_labels(environment: Environment, template: str) -> Iterator[tuple[str, int]]:
    """Every name of a label that *template* spells out, with its line."""
    for node in environment.parse(template).find_all((nodes.Getattr, nodes.Getitem, nodes.Call, nodes.Compare)):
        if (name := _asked(node)) is not None:
            yield name, node.lineno


def _asked(node: nodes.Node) -> str | None:
    match node:
        case nodes.Getattr(node=nodes.Getattr(attr="labels"), attr=name) if name not in METHODS:
            return name
        case nodes.Getitem(node=nodes.Getattr(attr="labels"), arg=nodes.Const(value=str(name))):
            return name
        case nodes.Call(node=nodes.Getattr(node=nodes.Getattr(attr="labels"), attr="get"), args=[first, *_]):
            return first.value if isinstance(first, nodes.Const) and isinstance(first.value, str) else None
        case nodes.Compare(expr=nodes.Const(value=str(name)), ops=[nodes.Operand(expr=nodes.Getattr(attr="labels"))]):
            return name
    return None


def paired(text: AlertText) -> AlertText:
    """The alert with pairs that templates can ask by name."""
    return replace(text, labels=Pairs(text.labels), facts=Pairs(text.facts), links=Pairs(text.links))
