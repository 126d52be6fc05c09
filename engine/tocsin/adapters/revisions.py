"""Definitions as they were in a revision, read out of git without touching the working tree."""

import io
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from tocsin.adapters.files import MAX_BYTES, SUFFIXES
from tocsin.errors import MisuseError, UnavailableError
from tocsin.targets.artifact import HEADER
from tocsin.workspace import Source

TIMEOUT = 60.0


def sources_at(revision: str, paths: Sequence[str]) -> tuple[Source, ...]:
    """Every definition at or below *paths* as of *revision*; hidden and generated files are passed over."""
    if revision.startswith("-"):
        raise MisuseError(f"{revision!r} is no revision")
    here = Path.cwd()
    below = []
    for path in paths:
        try:
            below.append(Path(path).resolve().relative_to(here).as_posix())
        except ValueError as error:
            hint = "run the command from a folder that holds all of them"
            raise MisuseError(f"{path} lies outside {here}, so no revision can be read of it", hint=hint) from error
    commit = _git(
        ["rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"], f"there is no revision {revision!r} here"
    )
    name = commit.decode().strip()
    present = _git(["ls-tree", "-r", "--name-only", "-z", name, "--", *below], "git cannot list it").split(b"\0")
    if not any(present):
        raise MisuseError(f"{revision} has nothing at or below {', '.join(paths)}")
    held = [path for path in below if _git(["ls-tree", "--name-only", name, "--", path], "git cannot list it").strip()]
    archive = _git(["archive", "--format=tar", name, "--", *held], f"git cannot read {revision}")
    found = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            place = PurePosixPath(member.name)
            hidden = any(part.startswith(".") for part in place.parts)
            if hidden or place.suffix not in SUFFIXES or member.size > MAX_BYTES:
                continue
            file = tar.extractfile(member)
            text = file.read().decode("utf-8-sig", "replace") if file else HEADER
            if not text.startswith(HEADER):
                found[str(place)] = Source(f"{revision}:{place}", text)
    return tuple(found[path] for path in sorted(found))


def _git(arguments: list[str], trouble: str) -> bytes:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, timeout=TIMEOUT, check=False)  # noqa: S607
    except FileNotFoundError as error:
        raise UnavailableError("git is not on PATH", hint="--against reads definitions out of git") from error
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"git did not answer within {TIMEOUT:g} s") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise MisuseError(trouble + (f": {said[-1]}" if said else ""))
    return done.stdout
