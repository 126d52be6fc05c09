"""A real PostgreSQL for tests: found on the machine, started on a free port in a folder of its own."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from tocsin.adapters.children import free_port

_PLACES = ("/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin")


def binaries() -> Path | None:
    """The folder with `initdb` and `pg_ctl`; None where there is no PostgreSQL."""
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).parent
    found = [folder for place in _PLACES for folder in Path("/").glob(place[1:]) if (folder / "initdb").exists()]
    return max(found, default=None)


class Postgres:
    """One server with an empty database; it can be killed and started again.

    What it commits is on the disk only if it is *durable*.
    """

    def __init__(self, *, durable: bool = False) -> None:
        where = binaries()
        assert where is not None, "no PostgreSQL on this machine: initdb is neither on PATH nor where it usually lies"
        self._bin, self.port = where, free_port()
        # Not below pytest's folders: other users may not enter those.
        self._folder = Path(tempfile.mkdtemp(prefix="tocsin-postgres-"))
        self._data = self._folder / "data"
        self._user = None
        self._sync = "on" if durable else "off"
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            names = {entry.pw_name for entry in pwd.getpwall()}
            self._user = "postgres" if "postgres" in names else "nobody"
            shutil.chown(self._folder, self._user)
        self._run("initdb", "-D", str(self._data), "-U", "tocsin", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.url = f"postgresql://tocsin@127.0.0.1:{self.port}/postgres"

    def _run(self, tool: str, *arguments: str) -> None:
        environ = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
        with (self._folder / f"{tool}.log").open("ab") as log:  # a pipe would stay open as long as the server runs
            command = [str(self._bin / tool), *arguments]
            done = subprocess.run(
                command, user=self._user, stdout=log, stderr=log, timeout=60, check=False, cwd="/", env=environ
            )
        assert done.returncode == 0, (self._folder / f"{tool}.log").read_text()

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = f"-p {self.port} -h 127.0.0.1 -c unix_socket_directories='' -c fsync={self._sync}"
        self._run("pg_ctl", "-D", str(self._data), "-w", "-l", str(self._data / "log"), "-o", options, "start")

    def stop(self) -> None:
        """End it at once, as a crash would."""
        self._run("pg_ctl", "-D", str(self._data), "-w", "-m", "immediate", "stop")

    def suspend(self) -> None:
        """Let it say nothing more, while its connections stay open."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        """To the server and all that it has started, the server first, so that it starts nothing more."""
        first = int((self._data / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        os.kill(first, number)
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        for pid, parent in (line.split() for line in listed.splitlines()):
            if int(parent) == first:
                with suppress(ProcessLookupError):  # it has just ended
                    os.kill(int(pid), number)

    def close(self) -> None:
        """Leave nothing behind."""
        if (self._data / "postmaster.pid").exists():
            self.resume()
            self.stop()
        shutil.rmtree(self._folder)


@contextmanager
def synced() -> Iterator[str]:
    """The URL of a server that is there as long as the context, as benches want it: what it commits is on the disk."""
    with closing(Postgres(durable=True)) as server:
        server.start()
        yield server.url
