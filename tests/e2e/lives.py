"""Lives of one `tocsin serve`, for tests that end many: each is a fork of a process that has imported it already.

A start from nothing takes a second, nearly all of it imports, in which there is nothing to lose; a fork takes some
milliseconds. It is a process as any other, and `kill -9` ends it as any other. Run as a script this is the process
that forks: each line on its standard input is a list of arguments as JSON to start with, `?` to say how the life is, or
empty to kill.
"""

import faulthandler
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path


class Lives:
    """One life at a time, each with the same arguments."""

    def __init__(self, arguments: list[str], environ: Mapping[str, str], log: Path) -> None:
        self._arguments = arguments
        self._log = log
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=dict(environ),
                text=True,
            )
        assert self._heard() == "done"

    def begin(self) -> None:
        """Start one; returns before it has done anything."""
        self._say(json.dumps(self._arguments))

    def kill(self) -> None:
        """`kill -9`; returns when it is gone."""
        self._say("")

    def account(self) -> str:
        """How the life is, and the end of its log; one that lives writes there what each of its threads does."""
        self._write("?")
        how = self._heard()
        time.sleep(1)  # for what it writes
        return f"{how}: {self._log.read_text()[-6_000:]}"

    def close(self) -> None:
        """Kill what lives, and end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def _say(self, line: str) -> None:
        self._write(line)
        assert self._heard() == "done"

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _heard(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().removesuffix("\n")


def how(child: int) -> str:
    """Whether it lives, or what its end was; one that lives writes what it does."""
    ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    if ended is not None:
        return f"ended by itself with {ended.si_status}"
    os.kill(child, signal.SIGUSR1)
    return "lives"


def main() -> None:
    """Start and kill as told; at the end nothing lives on."""
    import tocsin.cli.serve
    import tocsin.service.run  # noqa: F401
    from tocsin.cli.main import run

    child = 0
    print("done", flush=True)  # noqa: T201
    for line in sys.stdin:
        if line.strip() == "?":
            print(how(child), flush=True)  # noqa: T201
            continue
        arguments = json.loads(line) if line.strip() else None
        if child:
            os.kill(child, signal.SIGKILL)  # one that has ended is there until it is waited for
            os.waitpid(child, 0)
            child = 0
        if arguments is not None:
            child = os.fork()
            if not child:
                os.dup2(os.open(os.devnull, os.O_RDWR), 0)
                os.dup2(2, 1)
                faulthandler.register(signal.SIGUSR1)
                os._exit(run(arguments))
        print("done", flush=True)  # noqa: T201
    if child:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
