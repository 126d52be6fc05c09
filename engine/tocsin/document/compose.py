"""Text to Documents in one pass over the parser's events: values, places and findings from the same events.

Events instead of PyYAML's composer, because that one recurses: `[` ten thousand times would overflow the stack before
anybody could count. libyaml's marks count code points, so they are offsets into the text.
"""

import re
import sys
from typing import Any

import yaml
from yaml import events

from tocsin.diagnostics import Diagnostic, Edit, Fix
from tocsin.document.findings import Findings
from tocsin.document.model import Document, Json, Path
from tocsin.document.packed import Packed
from tocsin.document.place import Place
from tocsin.document.scalars import resolve
from tocsin.document.source import Source
from tocsin.document.syntax import syntax_error

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where PyYAML was built with it (six times as fast), else pure Python with the same events."""
_DEEPEST = 50
_NEXT_DOCUMENT = re.compile(r"(?:(?<=[\r\n])|\A)---(?=[ \t\r\n]|\Z)")
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]+")
"""What YAML forbids, and NEL, LS, PS (line breaks in YAML 1.1, not in 1.2 or in editors) and the invisible U+FEFF."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_documents(
    path: str, text: str, loader: Any = LOADER, composer_class: "type[Composer] | None" = None
) -> tuple[tuple[Document, ...], tuple[Diagnostic, ...]]:
    """Read every document of *text*; findings are in file order, and *path* is what they print.

    After a syntax error reading goes on at the next `---`. Documents that say nothing are left out.
    """
    source = Source(path, text.removeprefix("\ufeff"))
    findings = Findings(source)
    printable = _printable(source, findings)
    composer = (composer_class or Composer)(source, findings, loader)
    if printable != source.text:
        composer.always_broken.add(())
    while not findings.full:
        stopped = composer.read(printable)
        following = _NEXT_DOCUMENT.search(printable, stopped)
        if following is None:
            break
        composer.base = following.start()
    return tuple(composer.documents), tuple(sorted(findings.found, key=lambda finding: finding.span))


def _printable(source: Source, findings: Findings) -> str:
    """The text with U+FFFD for what YAML forbids, so that the rest can still be read."""
    for match in _UNPRINTABLE.finditer(source.text):
        if findings.full:
            break
        message = f"the character U+{ord(match[0][0]):04X} is not allowed"
        findings.refuse("yaml/character", match.span(), message, "remove it, or write it as an escape in double quotes")
    return _UNPRINTABLE.sub(lambda match: "\ufffd" * len(match[0]), source.text)


class _StopError(Exception):
    """Nothing more can be read from this document; *offset* is where that became clear."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


class Frame:
    """An open collection; between a key and its value *key_place* is set, and *key* unless it was refused."""

    __slots__ = ("flow", "key", "key_place", "place", "value")

    def __init__(self, value: dict[str, Json] | list[Json], place: Place, *, flow: bool) -> None:
        self.value = value
        self.place = place
        self.flow = flow
        self.key: str | None = None
        self.key_place: tuple[int, int] | None = None


class Composer:
    """Builds the documents of one file from events; *base* is where the part that is read now starts."""

    most_nodes = 1_000_000

    def __init__(self, source: Source, findings: Findings, loader: Any) -> None:
        self.source = source
        self.loader = loader
        self.refuse = findings.refuse
        self.findings = findings
        self.documents: list[Document] = []
        self.always_broken: set[Path] = set()
        self.broken: set[Path] = set()
        self.base = 0
        self.index = -1
        self.nodes = 0
        self.root: tuple[Json, Place] | None = None
        self.stack: list[Frame] = []

    def read(self, text: str) -> int:
        """Read *text* from *base* as far as the parser goes, and return the offset where it stopped."""
        self.stack = []
        loader = self.loader(text[self.base :] if self.base else text)
        try:
            self.events(loader.get_event)
        except _StopError as stop:
            return max(stop.offset, self.base + 1)
        except yaml.MarkedYAMLError as error:
            finding, stopped = syntax_error(self.source, self.base, error)
            self.findings.add(finding)
            return max(stopped, self.base + 1)
        except (ValueError, OverflowError):  # only pure Python raises these, for numbers in escapes and directives
            at: int = loader.get_mark().index + self.base
            self.refuse("yaml/syntax", (at, at + 1), "this number is out of range")
            return max(at, self.base + 1)
        finally:
            loader.dispose()
        return len(text)

    def events(self, next_event: Any) -> None:
        """Take in the events of the text until they end."""
        while True:
            event = next_event()
            kind = type(event)
            if kind is events.ScalarEvent:
                self.scalar(event)
            elif kind is events.MappingStartEvent:
                self._open(event, {})
            elif kind is events.SequenceStartEvent:
                self._open(event, [])
            elif kind is events.MappingEndEvent or kind is events.SequenceEndEvent:
                self.close(event)
            elif kind is events.AliasEvent:
                self.alias(event)
            elif kind is events.DocumentStartEvent:
                self.index += 1
                self.root = None
                self.broken = set(self.always_broken)
            elif kind is events.DocumentEndEvent:
                self._end_document()
            elif kind is events.StreamEndEvent:
                return

    def _end_document(self) -> None:
        if self.root is None:
            return
        value, place = self.root
        if value is not None or place.end > place.start:
            broken = frozenset(self.broken)
            self.documents.append(Document(self.source.path, self.index, value, self.source, Packed(place), broken))

    def scalar(self, event: Any) -> None:
        """Take in a scalar: a key or a value."""
        start, end = event.start_mark.index + self.base, event.end_mark.index + self.base
        style = event.style or ""
        if style in {"|", ">"}:  # the parser's end of a block scalar is the next thing in the file
            end = start + len(self.source.text[start:end].rstrip(" \t\r\n"))
        self._count(end)
        if style == '"' and _SURROGATE.search(event.value):  # libyaml takes it for a syntax error, pure Python reads it
            self.refuse(
                "yaml/character", (start, end), "half of a surrogate pair is no character", "write \\U and 8 digits"
            )
            self.broken.add(())
            event.value = _SURROGATE.sub("\ufffd", event.value)
        frame = self._awaits_key()
        if frame is not None:
            self.key(frame, event, style, (start, end))
            return
        value: Json = event.value
        if event.anchor is not None or event.tag is not None:
            self.properties(event, start)
            self._add(value, Place(start, end, None))
            return
        if not style:
            value = self.plain(sys.intern(event.value), (start, end))
        self._add(value, Place(start, end, style))

    def plain(self, text: str, place: tuple[int, int]) -> Json:
        """Read a plain scalar, with a finding where other tools may read it otherwise."""
        value, doubt = resolve(text)
        if doubt is not None and doubt.code == "yaml/ambiguous":
            quoted = Fix("put it in quotes", (Edit(self.source.span(*place), f'"{text}"'),))
            self.findings.warn(doubt.code, place, doubt.message, doubt.hint, quoted)
        elif doubt is not None:
            self.refuse(doubt.code, place, doubt.message, doubt.hint)
            self.distrust()
        return value

    def key(self, frame: Frame, event: Any, style: str, place: tuple[int, int]) -> None:
        """Take in a key of the innermost mapping, or refuse it."""
        key = sys.intern(event.value)  # there are few, in many places
        frame.key, frame.key_place = key, place
        if event.anchor is not None or event.tag is not None:
            self.properties(event, place[0])
        if key == "<<" and not style:
            self.distrust()
            frame.key = None
            self.refuse("yaml/merge-key", place, "merge keys are not part of this language", "write the keys out")
        elif not style and not isinstance(resolve(key)[0], str):
            self.distrust()
            message = f"the key {key} is not a text" if key else "there is no key before this ':'"
            self.refuse("yaml/key", place, message, f'write "{key}"' if key else None)
        earlier = frame.place.inner.get(key)
        if earlier is not None and frame.key is not None:
            self.distrust()
            frame.key = None
            first = self.source.span(*(earlier.key or place))
            message = f"the key {key!r} is already in line {first.line}"
            self.refuse("yaml/duplicate-key", place, message, "keep one of them", ((first, "first here"),))

    def _open(self, event: Any, value: dict[str, Json] | list[Json]) -> None:
        start = event.start_mark.index + self.base
        if len(self.stack) >= _DEEPEST:
            self.refuse("yaml/depth", (start, start + 1), f"more than {_DEEPEST} levels, one inside the other")
            raise _StopError(start)
        self._count(start)
        if self._awaits_key() is not None:
            self.refuse(
                "yaml/key", (start, start + 1), "a list or a mapping cannot be a key", "write a text as the key"
            )
        if event.anchor is not None or event.tag is not None:
            self.properties(event, start)
        place = Place(start, start, None)
        place.inner = {}
        self.stack.append(Frame(value, place, flow=event.flow_style))

    def close(self, event: Any) -> None:
        """Take in the end of the innermost collection."""
        frame = self.stack.pop()
        place = frame.place
        if frame.flow:
            place.end = event.end_mark.index + self.base
        elif place.inner:  # the parser's end of a block collection is the next thing in the file
            place.end = next(reversed(place.inner.values())).end
        parent = self._awaits_key()
        if parent is not None:
            parent.key_place = (place.start, place.end)  # it was refused when it was opened, its value is dropped
        else:
            self._add(frame.value, place)

    def alias(self, event: Any) -> None:
        """Refuse an alias; null stands in its place."""
        start, end = event.start_mark.index + self.base, event.end_mark.index + self.base
        self._count(end)
        frame = self.stack[-1] if self.stack else None
        dropped = frame is not None and frame.key_place is not None and frame.key is None
        if not dropped:  # else it stands at a merge key, which was refused already
            message = f"the alias *{event.anchor} is not part of this language"
            self.refuse("yaml/alias", (start, end), message, "write the value out")
        keyed = self._awaits_key()
        if keyed is not None:
            keyed.key_place = (start, end)
            return
        self.distrust()
        self._add(None, Place(start, end, None))

    def _awaits_key(self) -> Frame | None:
        """The innermost collection, if it is a mapping whose next event is a key."""
        if not self.stack:
            return None
        frame = self.stack[-1]
        return frame if frame.key_place is None and isinstance(frame.value, dict) else None

    def _add(self, value: Json, place: Place) -> None:
        if not self.stack:
            self.root = (value, place)
            return
        frame = self.stack[-1]
        container = frame.value
        if isinstance(container, list):
            frame.place.inner[len(container)] = place
            container.append(value)
            return
        if frame.key is not None:
            place.key = frame.key_place
            frame.place.inner[frame.key] = place
            container[frame.key] = value
        frame.key = frame.key_place = None

    def properties(self, event: Any, start: int) -> None:
        """Refuse an anchor or a tag; the node's mark starts at the first of them."""
        if event.anchor is not None:
            message = f"the anchor &{event.anchor} is not part of this language"
            self.refuse("yaml/anchor", (start, start + 1), message, "write the value out where it is needed")
        if event.tag is not None:
            self.distrust()
            self.refuse(
                "yaml/tag", (start, start + 1), "tags are not part of this language", "remove it; quotes make a text"
            )

    def _count(self, offset: int) -> None:
        self.nodes += 1
        if self.nodes > self.most_nodes:
            self.refuse(
                "yaml/limit", (offset, offset), f"more than {self.most_nodes:,} values in one file", "split the file"
            )
            raise _StopError(len(self.source.text))
        if self.findings.full:
            raise _StopError(len(self.source.text))

    def distrust(self) -> None:
        """Remember that the value which is read now cannot be trusted."""
        path: list[str | int] = []
        for frame in self.stack:
            step = len(frame.value) if isinstance(frame.value, list) else frame.key
            if step is None:  # below a refused key; nothing of it is kept
                return
            path.append(step)
        self.broken.add(tuple(path))
