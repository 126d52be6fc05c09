"""Routes and receivers as Alertmanager would have them, for `amtool config show` and `amtool config routes`."""

import re
import threading
from collections.abc import Mapping

from tocsin.plan import plan
from tocsin.service.board import Standing
from tocsin.targets.alertmanager import alertmanager
from tocsin.workspace import Workspace

NO_CHANNELS = "# no channels are defined\nroute:\n  receiver: (nobody)\nreceivers:\n  - name: (nobody)\n"
_ELSEWHERE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

_USER = re.compile(r"(?<=://)[^\s/@]+(?=@)")
"""In the address of a proxy."""


class Configuration:
    """What `tocsin compile` would write for the workspace in use, with what *environ* says in it.

    Secrets stand there as the names of files, never themselves. It is made once for each workspace.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._made_of: Workspace | None = None
        self._text = ""
        self._lock = threading.Lock()

    def of(self, standing: Standing) -> str:
        """The configuration as YAML."""
        with self._lock:
            if self._made_of is not standing.workspace:
                self._text, self._made_of = self._written(standing.workspace), standing.workspace
            return self._text

    def _written(self, workspace: Workspace) -> str:
        planned, _ = plan(workspace)
        text = next((artifact.text for artifact in alertmanager(planned, workspace)), NO_CHANNELS)
        whole = _ELSEWHERE.sub(lambda name: self._environ.get(name[1], name[0]), text)
        return _USER.sub("***", whole)
