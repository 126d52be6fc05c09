"""What makes a finding the same finding in another run."""

import hashlib
import json
from collections.abc import Mapping

from tocsin.diagnostics import Diagnostic
from tocsin.report.lines import lines_of


def fingerprint(finding: Diagnostic, texts: Mapping[str, str], definition: str = "") -> str:
    """The same for the same fault when lines above it come or go; *definition* tells equal lines of a file apart."""
    source = lines_of(texts.get(finding.span.path, ""))
    line = source[finding.span.line - 1].strip() if finding.span.line <= len(source) else ""
    identity = [finding.code, finding.span.path.removeprefix("./"), line, finding.message, *filter(None, [definition])]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]
