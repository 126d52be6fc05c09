"""Files replaced in one step each: a reader sees the old or the new text and never a part, also after a power cut."""

import contextlib
import os
import tempfile
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

_WAITING = 8
"""Whoever waits until its file is on the disk waits for the files of all who do: one after the other, a thousand files
take seconds."""


def replace(path: Path, text: str, mode: int = 0o644) -> None:
    """Replace one file, or make it."""
    put_in_place([(beside(path, text, mode), path)])


def beside(path: Path, text: str, mode: int = 0o644) -> str:
    """Write *text* to a new file in the folder of *path*; its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
        Path(temporary).chmod(mode)
    except BaseException:
        remove([temporary])
        raise
    return temporary


def put_in_place(files: Sequence[tuple[str, Path]]) -> None:
    """Make new files durable, and rename each over its path; those that cannot be renamed are removed."""
    left, failed = list(reversed(files)), list[OSError]()

    def work() -> None:
        with contextlib.suppress(IndexError):  # another one took the last
            while not failed:
                temporary, path = left.pop()
                try:
                    make_durable(temporary)
                    Path(temporary).replace(path)
                except OSError as error:
                    failed.append(error)
                    remove([temporary])

    threads = [threading.Thread(target=work) for _ in range(min(_WAITING, len(files)) - 1)]
    try:
        for thread in threads:
            thread.start()
        work()
    finally:
        for thread in threads:
            thread.join()
        remove(temporary for temporary, _ in left)
    if failed:
        raise failed[0]


def remove(temporaries: Iterable[str]) -> None:
    """Leave nothing behind."""
    for temporary in temporaries:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()


def make_durable(path: str | Path) -> None:
    """Wait until a file is on the disk, or a folder: a renaming or removal survives a power cut only then."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def text_of(path: Path) -> str | None:
    """The text of a file; None where there is none."""
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return None
