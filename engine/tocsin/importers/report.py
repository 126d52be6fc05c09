"""The loss report: what could not be said, for people and for machines."""

import json
from collections import Counter
from collections.abc import Mapping

from tocsin import report
from tocsin.importers.convert import Imported
from tocsin.importers.ledger import Fate, Loss


def as_text(imported: Imported, texts: Mapping[str, str]) -> str:
    """Mistakes with their source lines, then one line for each loss, then how many there are."""
    lines = [report.text(imported.findings, texts)] if imported.findings else []
    lines += [f"{_line(loss)}\n" for loss in imported.losses]
    return "".join(lines) + summary(imported) + "\n"


def _line(loss: Loss) -> str:
    what, why = ("".join(c if c.isprintable() else "\ufffd" for c in text) for text in (loss.what, loss.why))
    return f"{loss.span}: {loss.fate}: {what} ({why})"


def summary(imported: Imported) -> str:
    """One line.

    >>> summary(Imported({"a.yaml": ""}, (), ()))
    '1 file: nothing is lost'
    """
    counts = Counter(loss.fate for loss in imported.losses)
    said = [f"{counts[fate]} {fate}" for fate in Fate if counts[fate]]
    if not counts[Fate.LOST]:
        said.insert(0, "nothing is lost")
    if imported.findings:
        said.append(f"{report.counted(len(imported.findings), 'mistake')} in the sources")
    return f"{report.counted(len(imported.files), 'file')}: {', '.join(said)}"


def as_json(imported: Imported) -> str:
    """Exactly `files`, `complete`, `losses` (fate, path, line, column, what, why) and `findings` as of `check`."""
    losses = [
        {
            "fate": loss.fate.value,
            "path": loss.span.path,
            "line": loss.span.line,
            "column": loss.span.column,
            "what": loss.what,
            "why": loss.why,
        }
        for loss in imported.losses
    ]
    findings = json.loads(report.as_json(imported.findings, {}))
    whole = {"files": list(imported.files), "complete": imported.complete, "losses": losses, "findings": findings}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
