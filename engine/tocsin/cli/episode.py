"""`tocsin explain alert ID`: the story of one episode, as a running service tells it."""

from datetime import datetime
from typing import TYPE_CHECKING

from tocsin.errors import MisuseError
from tocsin.report.plain import harmless

if TYPE_CHECKING:
    from tocsin.service.story import Story


def explained(url: str, names: tuple[str, ...], style: str) -> str:
    """The story in words, or as JSON."""
    if len(names) != 1:
        raise MisuseError("give the id of one alert", hint="tocsin explain alert ID --url http://localhost:9911")
    story = _asked(url, names[0])
    return story.model_dump_json(by_alias=True, indent=2) + "\n" if style == "json" else text_of(story)


def _asked(url: str, name: str) -> "Story":
    from urllib.parse import quote

    from tocsin.adapters.running import Running
    from tocsin.service.story import Story

    return Running(url).told(f"/api/v1/alerts/{quote(name, safe='')}/story", Story)


def text_of(story: "Story") -> str:
    """From what was seen to what the receivers said, a line for each thing."""
    lines = [f"{story.title} ({story.severity}): {story.state}", f"  why: {story.why}", ""]
    lines += [f"  rule: {story.rule}", f"  begun: {_time(story.started_at)}"]
    lines += [f"  fired: {_time(story.fired_at)}"] if story.fired_at else []
    lines += [f"  resolved: {_time(story.resolved_at)}"] if story.resolved_at else []
    lines += [f"  blind since: {_time(story.blind_since)}"] if story.blind_since else []
    lines += [f"  seen: {story.reason}"] if story.reason else []
    lines += [f"  {label}: {value}" for label, value in story.facts]
    lines += [f"  labels: {', '.join(f'{name}={value}' for name, value in sorted(story.labels.items()))}"]
    lines += [f"  not told {mute.reason}" for mute in story.muted]
    lines += [f"  {story.acknowledged_by} has it"] if story.acknowledged_by else []
    lines += ["", "ways to people:" if story.ways else "no way to people: it names no channel, and no route matches"]
    waiting = {each.channel for each in story.messages} - {m.channel for m in story.messages if m.status == "sent"}
    for way in story.ways:
        told = "not taken, written at" if way.channel in waiting else "told at"
        how = f"{told} {_time(way.told_at)}" if way.told_at else "not told"
        how += f", last message at {_time(way.last_message_at)}" if way.last_message_at else ""
        how += f", quiet {way.quiet}" if way.quiet else ""
        lines.append(f"  {way.channel} by route {way.route}: {how}")
    lines += ["", "messages:" if story.messages else "no messages"]
    for sent in story.messages:
        end = f" at {_time(sent.settled_at)}" if sent.settled_at else ""
        tries = f" after {sent.attempts} attempts" if sent.attempts > 1 else ""
        detail = f": {sent.detail}" if sent.detail else ""
        fallback = f", {sent.fallback} got it instead" if sent.fallback else ""
        lines.append(f"  {sent.channel}: {sent.action}, {sent.status}{end}{tries}{detail}{fallback}")
    return "".join(f"{harmless(line)}\n" for line in lines)


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else "-"
