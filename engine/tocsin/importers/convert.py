"""Files of other programs to files of definitions, with everything that could not be said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tocsin.diagnostics import Diagnostic, in_file_order
from tocsin.document import Document, read_foreign
from tocsin.importers.draft import attach, attach_rest
from tocsin.importers.ledger import Fate, Given, Ledger, Loss
from tocsin.importers.model import Definition, Importer, Reading
from tocsin.importers.remarks import Remark, remarks
from tocsin.importers.write import write


@dataclass(frozen=True, slots=True)
class Imported:
    """What was made: *files* by name, what became of the rest, and the mistakes in the sources."""

    files: Mapping[str, str]
    losses: tuple[Loss, ...]
    findings: tuple[Diagnostic, ...]

    @property
    def complete(self) -> bool:
        """Whether nothing is lost and everything was valid."""
        return not self.findings and not any(loss.fate is Fate.LOST for loss in self.losses)


def convert(
    importer: Importer, sources: Sequence[tuple[str, str]], service: str = "", unread: Sequence[Diagnostic] = ()
) -> Imported:
    """Import the texts of *sources*, which are (path, text).

    *service* is the name that the user wants, *unread* what was found while reading the files.
    """
    ledger = Ledger(findings=list(unread))
    documents: list[Document] = []
    said: list[Remark] = []
    for path, text in sources:
        found, misread = read_foreign(path, text)
        ledger.findings += misread
        documents += found
        said += remarks(found)
    paths = [path for path, _ in sources]
    definitions = importer(Reading(documents, ledger, names_of(paths), service))
    for document in documents:
        ledger.settle(Given.root(document, ledger))
    _attach(definitions, said, documents, ledger)
    files: dict[str, str] = {}
    for definition in definitions:
        name = f"{definition.name}.yaml"
        text = write(definition.body)
        files[name] = f"{files[name]}---\n{text}" if name in files else text
    losses = sorted(dict.fromkeys(ledger.losses), key=lambda loss: (loss.span, loss.fate, loss.what))
    return Imported(files, tuple(losses), in_file_order(ledger.findings))


def _attach(
    definitions: Sequence[Definition], said: Sequence[Remark], documents: Sequence[Document], ledger: Ledger
) -> None:
    homes: dict[int, list[Remark]] = {}
    for comment in attach((definition.body for definition in definitions), said):
        number = _home(definitions, comment)
        if number is not None:
            homes.setdefault(number, []).append(comment)
            continue
        document = next(each for each in documents if (each.path, each.index) == (comment.file, comment.index))
        why = "nothing was made of what it speaks of"
        ledger.note(Fate.LOST, document.key_span(comment.path), f"comment #{comment.text}", why)
    for number, some in homes.items():
        attach_rest(definitions[number].body, some)


def _home(definitions: Sequence[Definition], comment: Remark) -> int | None:
    """The definition that was made from the comment's document, else one from its file."""
    sources = [definition.sources for definition in definitions]
    exact = (n for n, some in enumerate(sources) if (comment.file, comment.index) in some)
    near = (n for n, some in enumerate(sources) if any(file == comment.file for file, _ in some))
    return next(exact, next(near, None))


def names_of(paths: Sequence[str]) -> dict[str, str]:
    """The name of each file without its suffix, with as many of its folders as tell it from the others.

    >>> names_of(["etcd/alerts.yaml", "ceph/alerts.yaml", "x/etcd.yml"])
    {'etcd/alerts.yaml': 'etcd-alerts', 'ceph/alerts.yaml': 'ceph-alerts', 'x/etcd.yml': 'etcd'}
    """
    parts = {path: [part for part in path.rpartition(".")[0].split("/") if part] or [path] for path in paths}
    names: dict[str, str] = {}
    for path, steps in parts.items():
        count = next(
            (n for n in range(1, len(steps) + 1)
             if sum(other[-n:] == steps[-n:] for other in parts.values()) == 1),
            len(steps),
        )  # fmt: skip
        names[path] = "-".join(steps[-count:])
    return names
