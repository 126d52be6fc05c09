"""A real Prometheus over a database that was filled before it started."""

import shutil
import socket
import subprocess
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener


class Backfilled:
    """A Prometheus on a free port, over a database made of *text*; its end is waited for."""

    def __init__(self, folder: Path, text: str, max_samples: int = 50_000_000) -> None:
        self.folder = folder
        self.max_samples = max_samples
        (folder / "samples.txt").write_text(text, encoding="utf-8")
        (folder / "prometheus.yml").write_text("global: {}\n", encoding="utf-8")

    def __enter__(self) -> str:
        promtool, server = shutil.which("promtool"), shutil.which("prometheus")
        assert promtool, "promtool is missing: run ci/setup"
        assert server, "prometheus is missing: run ci/setup"
        blocks = [promtool, "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=720h"]
        subprocess.run(
            [*blocks, str(self.folder / "samples.txt"), str(self.folder / "data")], check=True, capture_output=True
        )
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = f"127.0.0.1:{free.getsockname()[1]}"
        self.log = (self.folder / "log.txt").open("wb")
        self.process = subprocess.Popen(
            [
                server,
                f"--config.file={self.folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={self.folder / 'data'}",
                "--storage.tsdb.retention.time=10y",
                f"--query.max-samples={self.max_samples}",
                f"--web.listen-address={address}",
            ],
            stdout=self.log,
            stderr=self.log,
        )
        try:
            self._wait(f"http://{address}/-/ready")
        except BaseException:
            self.__exit__()
            raise
        return f"http://{address}"

    def _wait(self, url: str) -> None:
        opener = build_opener(ProxyHandler({}))
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                with opener.open(url, timeout=1):
                    return
            except (URLError, OSError):
                assert self.process.poll() is None, (self.folder / "log.txt").read_text()
                time.sleep(0.1)
        raise AssertionError((self.folder / "log.txt").read_text())

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
