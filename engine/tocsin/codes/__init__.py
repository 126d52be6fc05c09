"""Every code that a finding can have, with its manual page."""

from tocsin.checks import CHECKS
from tocsin.codes.documents import DOCUMENTS
from tocsin.codes.meaning import MEANING
from tocsin.codes.tools import TOOLS
from tocsin.live import LIVE_CHECKS

__all__ = ["ASKED", "LIVE", "MANUALS", "RAN"]

_CHECKED = {check.code: check.manual for check in CHECKS} | {check.code: check.manual for check in LIVE_CHECKS}

MANUALS: dict[str, str] = dict(sorted({**DOCUMENTS, **MEANING, **TOOLS, **_CHECKED}.items()))
"""Code to manual page: what it finds in one sentence, why that is a mistake, what is bad and what is good."""

LIVE: frozenset[str] = frozenset(check.code for check in LIVE_CHECKS)
"""The codes that only a server can give."""

RAN: frozenset[str] = frozenset({*MANUALS} - {*TOOLS} - LIVE)
"""The codes that are looked for whenever definitions are read."""

ASKED: frozenset[str] = frozenset(check.code for check in CHECKS if check.asked)
"""The codes that are off until somebody gives them a severity."""
