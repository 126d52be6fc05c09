"""A browser without a window prints pages and takes pictures of them: any of the Chromium family on PATH."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tocsin.errors import UnavailableError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
TIMEOUT = 120.0


def find_browser() -> str:
    """The path of a browser that can print; raises UnavailableError where there is none."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    raise UnavailableError(
        "no browser that prints was found on PATH",
        hint=f"install chromium (looked for {', '.join(NAMES)}), or open the HTML or SVG file in any browser",
    )


def print_pdf(browser: str, page: Path, target: Path) -> None:
    """Print *page* to *target*; raises UnavailableError with the browser's last words where that fails."""
    _run(browser, ["--no-pdf-header-footer", f"--print-to-pdf={target}"], page, target)


def take_picture(browser: str, page: Path, target: Path, size: tuple[int, int]) -> None:
    """Write what *page* shows to *target* (PNG), with so many pixels across and down; raises as `print_pdf` does."""
    options = ["--hide-scrollbars", f"--window-size={size[0]},{size[1]}", f"--screenshot={target}"]
    _run(browser, options, page, target)


def _run(browser: str, options: list[str], page: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory() as profile:
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),  # Chromium refuses to sandbox for root
            f"--user-data-dir={profile}",
            *options,
            page.resolve().as_uri(),
        ]
        try:
            done = subprocess.run(command, capture_output=True, timeout=TIMEOUT, check=False)
        except subprocess.TimeoutExpired as error:
            raise UnavailableError(f"{browser} did not print {page} within {TIMEOUT:.0f} s") from error
        except OSError as error:
            raise UnavailableError(f"{browser} cannot be started: {error.strerror or error}") from error
    if done.returncode or not target.exists():
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise UnavailableError(f"{browser} could not print {page}: {words[-1] if words else 'it said nothing'}")
