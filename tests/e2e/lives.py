"""Lives of one `tocsin serve`, for tests that end many: each is a fork of a process that has imported it already.

A start from nothing takes a second, nearly all of it imports, in which there is nothing to lose; a fork takes some
milliseconds. It is a process as any other, and `kill -9` ends it as any other. Run as a script this is the process
that forks: each line on its standard input is a list of arguments as JSON to start with, or empty to kill.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


class Lives:
    """One life at a time, each with the same arguments."""

    def __init__(self, arguments: list[str], environ: Mapping[str, str], log: Path) -> None:
        self._arguments = arguments
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=dict(environ),
                text=True,
            )
        self._heard()

    def begin(self) -> None:
        """Start one; returns before it has done anything."""
        self._say(json.dumps(self._arguments))

    def kill(self) -> None:
        """`kill -9`; returns when it is gone."""
        self._say("")

    def close(self) -> None:
        """Kill what lives, and end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        self._heard()

    def _heard(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "done\n"


def main() -> None:
    """Start and kill as told; at the end nothing lives on."""
    import tocsin.cli.serve
    import tocsin.service.run  # noqa: F401
    from tocsin.cli.main import run

    child = 0
    print("done", flush=True)  # noqa: T201
    for line in sys.stdin:
        arguments = json.loads(line or "null") if line.strip() else None
        if child:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            child = 0
        if arguments is not None:
            child = os.fork()
            if not child:
                os.dup2(os.open(os.devnull, os.O_RDWR), 0)
                os.dup2(2, 1)
                os._exit(run(arguments))
        print("done", flush=True)  # noqa: T201
    if child:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
