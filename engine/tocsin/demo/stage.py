"""The set-up: everything that the demonstration needs, running, in one folder, and stopped again at the end."""

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from tocsin.adapters.children import Child
from tocsin.adapters.files import read_sources
from tocsin.adapters.promtool import find_promtool
from tocsin.demo.evaluator import channel_environment, start_evaluator
from tocsin.demo.history import Stretch, openmetrics, write_blocks
from tocsin.demo.platform import Endpoints, SimulatedPlatform
from tocsin.demo.prometheus import get_json, rules_in_error, scraped, start_prometheus
from tocsin.demo.receivers import HttpReceiver, Inbox
from tocsin.demo.rewrite import REF, Edit, edits, rewritten
from tocsin.demo.story import Story
from tocsin.document import read_documents
from tocsin.errors import MisuseError, UnavailableError
from tocsin.service.wiring import resolve_secret
from tocsin.spec import ChannelSpec, Notifications
from tocsin.workspace import Workspace, read_workspace

HISTORY_DAYS = 7
HISTORY_STEP = 60.0
SCRAPED_SECONDS = 30.0
OWN_SCRAPED_SECONDS = 600.0
"""How long somebody has to point a Prometheus of their own at the exporters."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What runs."""

    folder: Path
    platform: SimulatedPlatform
    inbox: Inbox
    receiver: HttpReceiver
    prometheus: str
    page: str
    children: tuple[Child, ...]
    history: bool
    """Whether Prometheus knows the days before, so that closed forms apply."""

    def check(self) -> None:
        """Raise UnavailableError with the last words of a child that has ended."""
        for child in self.children:
            if not child.alive():
                raise UnavailableError(f"{child.name} ended: {child.last_words()}", hint=f"its log is {child.log}")


@contextmanager
def stage(paths: Sequence[str], folder: Path, story: Story, own_prometheus: str | None) -> Iterator[Stage]:
    """Set everything up, telling *story*; on the way out, however it is left, everything is stopped."""
    with ExitStack() as stack:
        stack.enter_context(_ended_by_signals())
        now = float(int(time.time()))
        platform = SimulatedPlatform(now - HISTORY_DAYS * 86_400)
        endpoints = stack.enter_context(Endpoints(platform, time.time))
        inbox = stack.enter_context(Inbox())
        receiver = stack.enter_context(HttpReceiver())
        addresses = {exporter.name: endpoints.address(exporter.name) for exporter in platform.exporters}
        story.step("exporters of a simulated platform answer on loopback")
        story.details("", [(name, f"http://{at}/metrics") for name, at in addresses.items()])
        story.step(
            f"a mailbox listens at {inbox.host}:{inbox.port}, stand-ins for Slack and PagerDuty at {receiver.url}"
        )

        definitions = folder / "rules"
        environment = channel_environment(inbox, receiver)
        by_job: dict[str, list[str]] = {}
        for exporter in platform.exporters:
            by_job.setdefault(exporter.job, []).append(addresses[exporter.name])
        done = _copy(paths, definitions, by_job, environment)
        story.step(f"{' '.join(paths)}: copied, all as it stands there, but for {len(done)} values")
        for why in dict.fromkeys(edit.why for edit in done):
            story.details(f"{why}:", _listed([edit for edit in done if edit.why == why]))
        _compile(definitions, folder / "compiled", story)

        children: list[Child] = []
        config = folder / "compiled" / "prometheus" / "prometheus.yml"
        if own_prometheus is None:
            promtool = find_promtool().binary
            began = time.monotonic()
            samples = _backfill(promtool, platform, addresses, folder)
            story.step(f"{HISTORY_DAYS} days of history: {samples:,} samples in {time.monotonic() - began:.1f} s")
            child, url = start_prometheus(folder, config)
            children.append(stack.enter_context(child))
            _wait_for_scrapes(url, addresses.values(), SCRAPED_SECONDS)
        else:
            url = own_prometheus.rstrip("/")
            story.step(f"waiting until {url} scrapes them; its configuration is {config}")
            _wait_for_scrapes(url, addresses.values(), OWN_SCRAPED_SECONDS)
        version = get_json(f"{url}/api/v1/status/buildinfo")["data"]["version"]
        wrong = rules_in_error(url)
        if wrong:
            raise UnavailableError(f"rules in error in Prometheus: {', '.join(wrong)}")
        story.step(f"Prometheus {version} at {url}: all targets up, no rule in error")

        child, page = start_evaluator(folder, definitions, url, environment)
        children.append(stack.enter_context(child))
        story.step(f"tocsin serve evaluates every 2 s; its page is at {page}")
        yield Stage(folder, platform, inbox, receiver, url, page, tuple(children), own_prometheus is None)


@contextmanager
def workplace(keep: str | None) -> Iterator[Path]:
    """A folder for everything that is written: *keep*, or a temporary one that stays only if something fails."""
    if keep is not None:
        folder = Path(keep)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise MisuseError(f"--keep: {keep} is there already and not an empty folder")
        folder.mkdir(parents=True, exist_ok=True)
        yield folder.absolute()
        return
    folder = Path(tempfile.mkdtemp(prefix="tocsin-demo-"))
    try:
        yield folder
    except (KeyboardInterrupt, SystemExit):
        shutil.rmtree(folder, ignore_errors=True)
        raise
    except BaseException:
        if not logs(folder):
            shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def logs(folder: Path) -> tuple[Path, ...]:
    """What the children have written."""
    return tuple(sorted(folder.glob("*.log")))


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Leave in order on SIGTERM and SIGHUP, as on Ctrl-C."""

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _copy(
    paths: Sequence[str], folder: Path, addresses: Mapping[str, Sequence[str]], environment: Mapping[str, str]
) -> list[Edit]:
    sources, unread = read_sources(paths)
    if unread:
        raise MisuseError(f"{unread[0].span}: {unread[0].message}")
    workspace, _ = read_workspace(sources)
    _refuse_other_platforms(workspace)
    _refuse_real_channels(workspace.notifications, environment)
    done: list[Edit] = []
    for source in sources:
        documents, _ = read_documents(source.path, source.text)
        some = edits(documents, addresses)
        done += some
        copy = folder / source.path.lstrip("./").replace("../", "")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(rewritten(source.text, some), encoding="utf-8")
    return done


def _refuse_other_platforms(workspace: Workspace) -> None:
    """The simulated platform is one platform; its story needs one objective."""
    jobs = {service.scrape.job for service in workspace.services if service.scrape}
    objectives = {slo.ref for service in workspace.services for slo in service.slos}
    missing = sorted({exporter.job for exporter in SimulatedPlatform(0.0).exporters} - jobs)
    missing += [ref for ref in (REF,) if ref not in objectives]
    if missing:
        raise MisuseError(
            f"the definitions do not know {', '.join(missing)}",
            hint="the demonstration needs the AI-camera platform: tocsin demo rules",
        )


def _refuse_real_channels(notifications: tuple[Notifications, ...], environment: Mapping[str, str]) -> None:
    """The demonstration must never write to real people."""
    keys = {"email": ("host", "SMTP_HOST"), "slack": ("endpoint", "SLACK_ENDPOINT")}
    keys["pagerduty"] = ("endpoint", "PAGERDUTY_ENDPOINT")
    for document in notifications:
        for name, spec in document.channels.items():
            setting, variable = keys.get(spec.kind, ("", ""))
            if _resolved(spec, setting, environment) != environment.get(variable, ""):
                raise MisuseError(
                    f"{spec.span}: the channel {name!r} would leave this machine, and a demonstration must not",
                    hint=f"let its {setting} come from {{env: {variable}}}" if variable else "take it out",
                )


def _resolved(spec: ChannelSpec, setting: str, environment: Mapping[str, str]) -> str | None:
    value = spec.settings.get(setting)
    return None if value is None or isinstance(value, tuple) else resolve_secret(value, environment)


def _listed(done: Sequence[Edit]) -> Iterator[tuple[str, str]]:
    """Where which value was replaced, the same ones of a file on one line."""
    lines: dict[tuple[str, str, str], list[int]] = {}
    for edit in done:
        lines.setdefault((edit.span.path, _bare(edit.old), _bare(edit.new)), []).append(edit.span.line)
    for (path, old, new), at in lines.items():
        yield f"{path}:{','.join(map(str, at))}", f"{old} → {new}" if old else f"added {new}"


def _bare(value: str) -> str:
    r"""A YAML value without its quotes and brackets.

    >>> _bare('["a:1", "b:2"]'), _bare("burn_rate: {policy: quick-reset}\n    ")
    ('a:1, b:2', 'burn_rate: {policy: quick-reset}')
    """
    value = value.strip().rstrip(",")
    return value[1:-1].replace('"', "") if value.startswith("[") else value


def _compile(definitions: Path, output: Path, story: Story) -> None:
    tocsin = [sys.executable, "-m", "tocsin.cli.main"]
    command = [*tocsin, "compile", str(definitions), "-o", str(output), "--target", "prometheus"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise MisuseError(f"the definitions do not compile:\n{done.stderr.strip()}", hint="run tocsin check on them")
    story.step(f"tocsin compile: {done.stdout.strip().partition(' under ')[0]}")


def _backfill(promtool: str, platform: SimulatedPlatform, addresses: Mapping[str, str], folder: Path) -> int:
    text, samples = folder / "history.om", 0
    now = float(int(time.time()))
    with text.open("w", encoding="utf-8") as file:
        for chunk in openmetrics(platform, addresses, Stretch(platform.start, now, HISTORY_STEP).instants()):
            samples += chunk.count("\n")
            file.write(chunk)
    write_blocks(promtool, text, folder / "data")
    text.unlink()
    return samples - 1


def _wait_for_scrapes(url: str, addresses: Iterable[str], seconds: float) -> None:
    wanted, deadline = list(addresses), time.monotonic() + seconds
    while not scraped(url, wanted):
        if time.monotonic() > deadline:
            raise UnavailableError(f"{url} did not scrape {', '.join(wanted)} within {seconds:g} s")
        time.sleep(0.2)
