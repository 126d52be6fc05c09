"""Which tests go to a worker together: those of a file that makes something once for all of them.

`--dist loadgroup` of pytest-xdist 3.8 does nothing with pytest 9.2: it writes groups into names of tests that are not
read any more (`Node._nodeid`). So groups are told here, from the text of the files.
"""

import re
from functools import cache
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

_SHARES = re.compile(r'scope="module"|xdist_group')


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """A file with a fixture `scope="module"`, or with the mark `xdist_group`, is one piece of work; else each test is.

    Pieces of many tests begin first, so that no worker is left alone with one at the end.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if _shares(self.config.rootpath / file) else nodeid


@cache
def _shares(file: Path) -> bool:
    return file.suffix == ".py" and _SHARES.search(file.read_text(encoding="utf-8")) is not None
