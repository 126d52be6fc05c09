"""`tocsin explain alert` in words."""

from tests.alerts import NOON

from tocsin.cli.episode import text_of
from tocsin.service.story import Story


def test_values_cannot_steer_the_terminal() -> None:
    """Escapes, bells and line breaks of labels are shown as a mark, so no line is made up and none hidden."""
    evil = "a\x1b[2J\x07b\n  critical: none"
    story = Story(
        id="k",
        title=evil,
        rule="r",
        service="s",
        severity="info",
        state="firing",
        started_at=NOON,
        fired_at=NOON,
        resolved_at=None,
        blind_since=None,
        reason="",
        facts=[("path", evil)],
        labels={"path": evil},
        muted=[],
        acknowledged_by=None,
        ways=[],
        messages=[],
        why="x",
    )
    text = text_of(story)

    assert text.count("a\ufffd[2J\ufffdb\ufffd  critical: none") == 3
    assert not {"\x1b", "\x07"} & set(text)
    assert "\n  critical" not in text
