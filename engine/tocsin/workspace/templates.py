"""SLIs that are written once: each `template:` of a service becomes the SLI that it stands for.

This happens between YAML and the readers: a service is read as if the SLI had been written in it, and whatever is wrong
with it is found at the words of the template, with the place of the use beside it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from tocsin.diagnostics import Diagnostic, Severity, Span
from tocsin.document import Document, Graft, Json, Path
from tocsin.schema import check_document
from tocsin.sli import SLIS
from tocsin.spec.readers import Node, Notes, known_name, read_sli
from tocsin.workspace.holes import HOLE, Pieces, Scalar, fill, harmless
from tocsin.workspace.model import Uses

KIND = "SLITemplate"


@dataclass(slots=True)
class _Template:
    """A template, and where it is used."""

    document: Document
    parameters: Mapping[str, Json]
    sli: Mapping[str, Json]
    uses: list[Span] = field(default_factory=list)
    broken: bool = False
    """Whether a hole has no parameter: nothing can be made of it."""

    def default(self, name: str) -> Json:
        described = self.parameters.get(name)
        return described.get("default") if isinstance(described, Mapping) else None


@dataclass(slots=True)
class _Filling:
    """One use in the making."""

    template: _Template
    values: Mapping[str, Scalar]
    pieces: dict[Path, Pieces] = field(default_factory=dict)
    misfits: list[tuple[str, Span]] = field(default_factory=list)

    def filled(self, part: Json, path: Path) -> Json:
        """A part of the template's SLI with values in its holes."""
        if isinstance(part, Mapping):
            return {key: self.filled(value, (*path, key)) for key, value in part.items()}
        if not isinstance(part, str) or not HOLE.search(part):
            return part
        found = fill(part, self.values, promql=_is_promql(path))
        for misfit in found.misfits:
            there = self.template.document.inside(("sli", *path), misfit.start, misfit.end)
            self.misfits.append((misfit.message, there))
        if found.pieces:
            self.pieces[path] = found.pieces
        return found.value


@dataclass(slots=True)
class Templates:
    """All templates of a workspace, by name."""

    by_name: dict[str, _Template] = field(default_factory=dict)
    findings: list[Diagnostic] = field(default_factory=list)

    @classmethod
    def of(cls, documents: Iterable[Document]) -> "Templates":
        """Find them; of two with one name the first counts."""
        found = cls()
        for document in documents:
            name, sli, parameters = (document.at((key,)) for key in ("name", "sli", "parameters"))
            if document.at(("kind",)) == KIND and isinstance(name, str) and isinstance(sli, Mapping):
                template = _Template(document, parameters if isinstance(parameters, Mapping) else {}, sli)
                found.by_name.setdefault(name, template)
                holes = list(_undeclared(template))
                template.broken = any(finding.code == "template/undeclared" for finding in holes)
                found.findings += holes
        return found

    def expanded(self, document: Document) -> Document:
        """The document with an SLI in the place of every use; a use that is wrong stays, without its values."""
        slis = document.at(("slis",)) if document.at(("kind",)) == "Service" else None
        if not isinstance(slis, Mapping) or not isinstance(document.value, Mapping):
            return document
        names = [name for name, sli in slis.items() if _is_use(sli)]
        if not names:
            return document
        changed, grafts = dict(slis), dict(document.grafts)
        for name in names:
            path = ("slis", name)
            made = self._use(document, path)
            if made is None:
                changed[name] = {"template": document.at((*path, "template"))}
            else:
                changed[name], grafts[path] = made
        return replace(document, value={**document.value, "slis": changed}, grafts=grafts)

    def _use(self, document: Document, path: Path) -> tuple[Json, Graft] | None:
        name, given = str(document.at((*path, "template"))), document.at((*path, "with"))
        values = given if isinstance(given, Mapping) else {}
        template = self.by_name.get(name)
        place = document.span((*path, "template"))
        if template is None:
            hint = known_name(name, self.by_name) or "define it in a document of kind SLITemplate"
            self._report("reference/unknown-template", place, f"SLI template {name!r} is not defined", hint)
            return None
        wrong = list(self._wrong(document, (*path, "with"), template, name))
        missing = [p for p in template.parameters if p not in values and template.default(p) is None]
        for parameter in missing:
            defined = template.document.key_span(("parameters", parameter))
            self._report(
                "template/parameter",
                place,
                f"template {name} needs a value for {parameter}",
                f"add {parameter} below with",
                ((defined, "the parameter"),),
            )
        if wrong or missing or template.broken:
            return None
        meant = {parameter: values.get(parameter, template.default(parameter)) for parameter in template.parameters}
        filling = _Filling(template, {p: value for p, value in meant.items() if isinstance(value, Scalar)})
        sli = filling.filled(template.sli, ())
        for message, there in filling.misfits:
            self._report("template/value", place, message, None, ((there, "where it would stand"),))
        if filling.misfits:
            return None
        template.uses.append(place)
        return sli, Graft(template.document, ("sli",), filling.pieces)

    def _wrong(self, document: Document, path: Path, template: _Template, name: str) -> Iterator[str]:
        values = document.at(path)
        for parameter in values if isinstance(values, Mapping) else ():
            if parameter not in template.parameters:
                message = f"template {name} has no parameter {parameter!r}"
                hint = known_name(parameter, template.parameters) or "it has none"
                self._report("template/parameter", document.key_span((*path, parameter)), message, hint)
                yield parameter

    def _report(
        self, code: str, span: Span, message: str, hint: str | None, related: tuple[tuple[Span, str], ...] = ()
    ) -> None:
        self.findings.append(Diagnostic(code, span, message, hint=hint, related=related))

    def checked(self, document: Document) -> Document:
        """A template's own document, as its expressions are to be checked: not again where uses show them already."""
        template = next((each for each in self.by_name.values() if each.document is document), None)
        if template is None or not isinstance(document.value, Mapping):
            return document
        if template.uses:
            return replace(document, value={key: v for key, v in document.value.items() if key != "sli"})
        return replace(document, value={**document.value, "sli": _harmless(template.sli, ())})

    def alone(self) -> Iterator[Diagnostic]:
        """What is wrong with templates that nobody uses, whatever values they would be given."""
        for name, template in self.by_name.items():
            if template.uses:
                continue
            sli = _harmless(template.sli, ())
            value: Json = {"apiVersion": "tocsin/v1", "kind": "Service", "name": name, "slis": {name: sli}}
            grafts: Mapping[Path, Graft] = {("slis", name): Graft(template.document, ("sli",))}
            service = replace(template.document, value=value, grafts=grafts, broken=frozenset())
            notes = Notes()
            read_sli(Node(service, notes, ("slis", name), sli))
            open_ = {template.document.span(("sli", *path)) for path in _with_holes(template.sli, ())}
            yield from (f for f in (*check_document(service), *notes.findings) if f.span not in open_)

    def uses(self) -> tuple[Uses, ...]:
        """Where each template is used."""
        return tuple(Uses(t.document.span(("sli",)), tuple(t.uses)) for t in self.by_name.values() if t.uses)


def with_uses(findings: Iterable[Diagnostic], uses: tuple[Uses, ...]) -> Iterator[Diagnostic]:
    """Findings inside a template, with the first place that uses it."""
    for finding in findings:
        use = next((each for each in uses if _within(finding.span, each.template)), None)
        if use is None or any(text.startswith("used here") for _, text in finding.related):
            yield finding
            continue
        more = f" and in {len(use.places) - 1} more places" if len(use.places) > 1 else ""
        yield replace(finding, related=(*finding.related, (use.places[0], f"used here{more}")))


def _is_use(sli: Json) -> bool:
    return isinstance(sli, Mapping) and isinstance(sli.get("template"), str) and sli.keys() <= {"template", "with"}


def _within(inner: Span, outer: Span) -> bool:
    return inner.path == outer.path and (outer.line, outer.column) <= (inner.line, inner.column) < (
        outer.end_line,
        outer.end_column,
    )


def _is_promql(path: Path) -> bool:
    kind, *rest = (*path, "")
    return kind in SLIS and rest[0] in SLIS[str(kind)].keys


def _harmless(part: Json, path: Path) -> Json:
    if isinstance(part, Mapping):
        return {key: _harmless(value, (*path, key)) for key, value in part.items()}
    return harmless(part) if isinstance(part, str) and _is_promql(path) else part


def _with_holes(part: Json, path: Path) -> Iterator[Path]:
    """Where values that are no PromQL have holes."""
    if isinstance(part, Mapping):
        for key, value in part.items():
            yield from _with_holes(value, (*path, key))
    elif isinstance(part, str) and HOLE.search(part) and not _is_promql(path):
        yield path


def _undeclared(template: _Template) -> Iterator[Diagnostic]:
    """Holes without a parameter, and parameters without a hole."""
    used: set[str] = set()
    for path, text in _texts(template.sli, ()):
        for hole in HOLE.finditer(text):
            used.add(hole[1])
            if hole[1] not in template.parameters:
                yield Diagnostic(
                    "template/undeclared",
                    template.document.inside(("sli", *path), hole.start(), hole.end()),
                    f"{hole[1]!r} is no parameter of this template",
                    hint=known_name(hole[1], template.parameters) or f"add {hole[1]} below parameters",
                )
    for name in template.parameters:
        if name not in used:
            place, message = template.document.key_span(("parameters", name)), f"parameter {name} is used nowhere"
            yield Diagnostic(
                "template/unused", place, message, Severity.WARNING, hint=f"write ${{{name}}}, or remove it"
            )


def _texts(part: Json, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(part, Mapping):
        for key, value in part.items():
            yield from _texts(value, (*path, key))
    elif isinstance(part, str):
        yield path, part
