"""YAML that was written for other programs, read as they read it (Go's yaml.v3) and with the same places.

Prometheus, Sloth and the Kubernetes tools decode into typed fields: a label `on`, `010` or `1.0` is the text that
stands there, and a boolean may be written `yes`. So plain scalars are kept as their text, and whoever asks for a number
or a boolean reads it from that. Anchors, aliases and merge keys mean what YAML says; duplicate keys are refused.
"""

from collections import deque
from copy import copy
from typing import Any

from yaml import events

from tocsin.diagnostics import Diagnostic
from tocsin.document.compose import Composer, Frame, read_documents
from tocsin.document.model import Document, Json
from tocsin.document.scalars import WORDS

_MERGE = "<<"
_STARTS = (events.MappingStartEvent, events.SequenceStartEvent)
_ENDS = (events.MappingEndEvent, events.SequenceEndEvent)
_CORE = "tag:yaml.org,2002:"


def read_foreign(path: str, text: str) -> tuple[tuple[Document, ...], tuple[Diagnostic, ...]]:
    """Read every document of *text*; its scalars are texts or None, whatever they look like."""
    return read_documents(path, text, composer_class=_Foreign)


class _Foreign(Composer):
    """Replays what an anchor names wherever an alias stands; the places are those of the anchor."""

    most_nodes = 400_000
    """Ten thousand rules are half of it, and aliases of aliases are there in two seconds."""

    def events(self, next_event: Any) -> None:
        super().events(_Replay(next_event))

    def plain(self, text: str, _place: tuple[int, int]) -> Json:
        """Keep the text; only what means nothing is None."""
        return None if text in WORDS and WORDS[text] is None else text

    def key(self, frame: Frame, event: Any, style: str, place: tuple[int, int]) -> None:
        """Any scalar is a key."""
        super().key(frame, event, style or "any", place)

    def close(self, event: Any) -> None:
        """Merge `<<` below the mapping's own keys."""
        frame = self.stack[-1]
        value, inner = frame.value, frame.place.inner
        if isinstance(value, dict) and _MERGE in value:
            merged, place = value.pop(_MERGE), inner.pop(_MERGE)
            for index, source in enumerate(merged) if isinstance(merged, list) else [(None, merged)]:
                where = place if index is None else place.inner[index]
                if not isinstance(source, dict):
                    self.refuse("yaml/merge-key", (where.start, where.end), "only a mapping can be merged")
                    continue
                for name in source:
                    if name not in value:
                        value[name], inner[name] = source[name], copy(where.inner[name])
        super().close(event)

    def alias(self, event: Any) -> None:
        """What is left of aliases after the replay names nothing."""
        start, end = event.start_mark.index + self.base, event.end_mark.index + self.base
        self.refuse("yaml/alias", (start, end), f"nothing above is called &{event.anchor}")
        self.distrust()
        event.value, event.style, event.anchor, event.tag = "~", None, None, None
        self.scalar(event)

    def properties(self, event: Any, start: int) -> None:
        """Tags of YAML itself say nothing new; others belong to the program that knows them."""
        event.anchor = None
        if event.tag is not None and event.tag != "!" and not event.tag.startswith(_CORE):
            super().properties(event, start)
        event.tag = None


class _Replay:
    """The parser's events with aliases replaced by the events of what they name."""

    def __init__(self, next_event: Any) -> None:
        self.next_event = next_event
        self.named: dict[str, list[Any]] = {}
        self.open: list[tuple[str, list[Any], int]] = []
        self.waiting: deque[Any] = deque()
        self.depth = 0

    def __call__(self) -> Any:
        event = self.waiting.popleft() if self.waiting else self.next_event()
        if isinstance(event, events.DocumentStartEvent):
            self.named = {}
        if isinstance(event, events.AliasEvent):
            replayed = self.named.get(event.anchor or "")
            if replayed is None:  # unknown, or inside the very thing that it names
                return event
            self.waiting.extendleft(reversed(replayed))
            return self()
        self._record(event)
        return event

    def _record(self, event: Any) -> None:
        anchor = getattr(event, "anchor", None)
        if isinstance(event, _STARTS):
            self.depth += 1
        for _, recorded, _ in self.open:
            recorded.append(_bare(event))
        if anchor is not None and isinstance(event, _STARTS):
            self.named.pop(anchor, None)
            self.open.append((anchor, [_bare(event)], self.depth))
        elif anchor is not None and isinstance(event, events.ScalarEvent):
            self.named[anchor] = [_bare(event)]
        if isinstance(event, _ENDS):
            if self.open and self.open[-1][2] == self.depth:
                name, recorded, _ = self.open.pop()
                self.named[name] = recorded
            self.depth -= 1


def _bare(event: Any) -> Any:
    """The event without its anchor, so that it can be told again."""
    if getattr(event, "anchor", None) is None:
        return event
    bare = copy(event)
    bare.anchor = None
    return bare
