"""The status page: says what matters first, hides nothing, and executes nothing."""

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from tests import snapshots
from tests.snapshots import NOW

from tocsin.diagnostics import Diagnostic
from tocsin.evaluate.model import Snapshot
from tocsin.evaluate.words import percent, span
from tocsin.service.page import MOST_ALERTS, MOST_ROWS, bar_width, headline, refresh_seconds, render, web_link
from tocsin.service.phrases import budget

VOID = {"meta", "link", "br", "rect", "path", "circle"}


class _Reader(HTMLParser):
    """Collects the words of a page, its links, its tags, and whether they are balanced."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag and its link."""
        self.tags.append((tag, dict(attrs)))
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Check that it is the one that is open."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep the words."""
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        """All words, with single spaces."""
        return " ".join(" ".join(self.words).split())


def read(snapshot: Snapshot | None, **changes: object) -> _Reader:
    """The page four seconds after *snapshot*."""
    return _Reader(render(snapshots.standing(snapshot, **changes), (), NOW + timedelta(seconds=4)))


def test_before_the_first_evaluation_the_page_waits() -> None:
    """A page that shows nothing yet says so, and claims nothing."""
    page = read(None)

    assert "Waiting for the first evaluation" in page.text
    assert "healthy" not in page.text


@pytest.mark.parametrize("snapshot", [None, snapshots.healthy(), snapshots.troubled(), snapshots.blind()])
def test_the_page_is_well_formed(snapshot: Snapshot | None) -> None:
    """Every element is closed in order, in every state."""
    assert read(snapshot).open == []


def test_everything_of_a_snapshot_is_on_the_page() -> None:
    """Objectives, burn rates, journeys, contracts and alerts with what is known of them."""
    text = read(snapshots.troubled()).text
    expected = [
        "2 open alerts, 1 critical",
        "burning",
        "budget spent",
        "cannot tell",
        "790% overspent",
        "38.2%",
        "142x",
        "2h 10m",
        "end-to-end",
        "99.71%",
        "ACME",
        "breached",
        "99.871%",
        "10%",
        "firing for 13m 4s",
        "142x over 1h, 310x over 5m",
        "recovering",
        "redis/up:fast no traffic in the last 1h, for 9m 4s",
        "pending",
    ]

    assert [words for words in expected if words not in text] == []


def test_numbers_read_as_in_messages() -> None:
    """Cut off, never rounded up, in the same spelling: two tellings of one incident must not differ."""
    slo = snapshots.slo(sli=0.99899999, remaining=0.38297, target=Decimal("0.99999"), exhaustion=timedelta(minutes=130))
    text = read(replace(snapshots.healthy(), slos=(slo,))).text

    assert [words for words in ("99.8999%", "99.999% over", "38.2%", "2h 10m") if words not in text] == []
    assert percent(0.38297, 1) in text
    assert span(timedelta(minutes=130)) in text


def test_a_budget_of_little_history_says_so() -> None:
    """Also where all is well: a full budget of a day is not one of a month."""
    slo = snapshots.slo(reason="2d 4h of 30d observed")

    assert "healthy 2d 4h of 30d observed" in read(replace(snapshots.healthy(), slos=(slo,))).text


def test_what_is_worst_comes_first() -> None:
    """Whoever opens the page at night reads from the top."""
    text = read(snapshots.troubled()).text
    order = [text.index(words) for words in ("budget spent", "2h 10m Used", "cannot tell") if words in text]

    assert sorted(order) == order


def test_blindness_comes_before_everything_else() -> None:
    """With no answer from the source, what stands below is only the last that was seen."""
    page = read(snapshots.blind())

    assert "Blind: the metric source does not answer; 2 open alerts, 1 critical" in page.text
    assert "connection refused by 127.0.0.1:9090" in page.text
    assert page.text.count("blind for 4m 4s") == 3


def test_a_page_of_old_news_says_so() -> None:
    """An evaluator that hangs must not look healthy."""
    standing = snapshots.standing(snapshots.healthy(), ticked_at=NOW - timedelta(minutes=5))

    assert headline(standing, NOW).text == "Evaluation has stopped"


def test_a_failed_reload_is_shown_with_its_findings() -> None:
    """Who edits definitions sees here that they are not in use."""
    finding = Diagnostic("schema/type", snapshots.NOWHERE, "'soon' is not a duration")
    text = read(snapshots.healthy(), reload_findings=(finding,)).text

    assert "The definitions on disk are not in use" in text
    assert "rules/x.yaml:1:1: 'soon' is not a duration [schema/type]" in text


def test_a_store_that_fails_is_shown() -> None:
    """A restart would lose something then, so nobody should restart it first."""
    assert "The state cannot be stored" in read(snapshots.healthy(), commit_error="disk full").text


def test_a_history_that_cannot_be_read_leaves_the_rest() -> None:
    """The page is needed most when something is broken."""
    html = render(snapshots.standing(snapshots.troubled()), None, NOW)

    assert "The history cannot be read now." in html


def test_text_of_definitions_is_never_markup() -> None:
    """Titles, summaries, facts and reasons come from files and from metrics."""
    evil = "<script>alert(1)</script>"
    view = snapshots.alert(title=evil, summary=evil, facts=((evil, evil),), service=evil, reason=evil)
    snapshot = replace(snapshots.troubled(), alerts=(view,), slos=(snapshots.slo(f"{evil}/{evil}", reason=evil),))
    page = read(snapshot)

    assert [tag for tag, _ in page.tags if tag == "script"] == []


def test_only_links_to_the_web_are_links() -> None:
    """A runbook of `javascript:` is shown as no link at all."""
    links = read(snapshots.troubled()).links

    assert "https://runbooks.example/be-camera" in links
    assert [link for link in links if link.startswith("javascript:")] == []


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", " javascript:x", "data:text/html,x", "//evil.example", None, ""]
)
def test_other_schemes_are_no_links(url: str | None) -> None:
    """Only http and https."""
    assert web_link(url) is None


def test_nothing_is_fetched_from_elsewhere() -> None:
    """No script, no font, no image: the page works in a network without a way out."""
    page = read(snapshots.troubled())
    fetched = [attrs for tag, attrs in page.tags if tag in {"script", "img", "iframe"} or "src" in attrs]

    assert fetched == []


def test_inline_styles_would_be_refused_by_our_own_policy() -> None:
    """The policy allows one style sheet by its hash, so a style attribute would silently do nothing."""
    assert [tag for tag, attrs in read(snapshots.troubled()).tags if "style" in attrs] == []


def test_bars_have_words_for_who_cannot_see_them() -> None:
    """Colour and length are never the only carriers."""
    bars = [attrs for tag, attrs in read(snapshots.troubled()).tags if tag == "svg" and attrs.get("role") == "img"]

    assert len(bars) == 6
    assert all((bar["aria-label"] or "").startswith("error budget left: ") for bar in bars)


def test_every_cell_has_a_label_for_narrow_screens() -> None:
    """There the head of the table is not shown."""
    cells = [attrs for tag, attrs in read(snapshots.troubled()).tags if tag == "td"]

    assert [cell for cell in cells if not cell.get("data-label")] == []


def test_thousands_of_objectives_are_cut_after_the_worst() -> None:
    """A page of 10,000 rows helps nobody, and the API has them all."""
    worst = snapshots.slo("last/worst", state="exhausted", remaining=-1.0)
    many = (*(snapshots.slo(f"s{i}/uptime") for i in range(MOST_ROWS + 7)), worst)
    text = read(replace(snapshots.healthy(), slos=many)).text

    assert "8 more are left out here" in text
    assert "last worst budget spent" in text


@pytest.mark.parametrize(
    ("remaining", "width", "words"),
    [
        (None, 0.0, "\N{EN DASH}"),
        (1.0, 100.0, "100%"),
        (0.00001, 0.0, "0%"),
        (0.0, 100.0, "none"),
        (-0.5, 100.0, "50% overspent"),
        (1.2, 100.0, "120%"),
    ],
)
def test_bars_and_words_agree(remaining: float | None, width: float, words: str) -> None:
    """An overspent budget fills its bar in alarm instead of showing an empty one that looks like no data."""
    assert (width, words) == (bar_width(remaining), budget(remaining))


@pytest.mark.parametrize(("seconds", "expected"), [(1, 5), (15, 15), (300, 60)])
def test_the_page_reloads_with_the_ticks_within_reason(seconds: int, expected: int) -> None:
    """Neither every second nor every five minutes."""
    assert expected == refresh_seconds(timedelta(seconds=seconds))


def test_the_page_needs_no_script() -> None:
    """It reloads by itself."""
    html = render(snapshots.standing(snapshots.healthy()), (), NOW)

    assert re.search(r'<meta http-equiv="refresh" content="15">', html)


@pytest.mark.parametrize(
    ("changes", "tone", "words"),
    [
        ({}, "good", "All objectives are met"),
        ({"state": "burning"}, "warn", "1 objective burns its budget"),
        ({"state": "unknown"}, "blind", "1 objective cannot be seen"),
        ({"state": "exhausted"}, "bad", "1 error budget is spent"),
    ],
)
def test_the_headline_says_what_is_wrong(changes: dict[str, object], tone: str, words: str) -> None:
    """One line for who only glances at it."""
    snapshot = replace(snapshots.healthy(), slos=(snapshots.slo(), snapshots.slo("be-auth/uptime", **changes)))
    line = headline(snapshots.standing(snapshot), NOW)

    assert (line.tone, line.text) == (tone, words)


def test_a_label_of_a_megabyte_makes_no_megabyte_of_page() -> None:
    """Every text is cut, also in the middle of an alert; what leads somewhere is left out, not cut."""
    huge = "x" * 10**6
    snapshot = snapshots.troubled()
    one = replace(
        snapshot.alerts[0],
        title=huge,
        summary=huge,
        service=huge,
        facts=((huge, huge),) * 5,
        runbook=f"https://runbooks.example/{huge}",
        severity=huge,
    )
    html = render(snapshots.standing(replace(snapshot, alerts=(one,))), (one,), NOW)
    page = _Reader(html)

    assert len(html) < 60_000
    assert "xxx…" in page.text
    assert not [link for link in page.links if "runbooks" in link]


def test_a_storm_is_no_endless_page() -> None:
    """The worst and oldest are shown, the others counted."""
    snapshot = snapshots.troubled()
    many = tuple(replace(snapshot.alerts[0], dedup_key=f"k{n}") for n in range(MOST_ALERTS + 50))
    page = read(replace(snapshot, alerts=many))

    assert sum(link.startswith("alerts/") for link in page.links) == MOST_ALERTS
    assert "Open alerts 250" in page.text
    assert "50 more are left out here; the API has them all." in page.text
    assert "left out" not in read(snapshot).text


def test_page_budgets_are_on_the_page() -> None:
    """The worst first, with what it counts, and how much of it there was; nothing where there are none."""
    page = read(snapshots.healthy(), page_budgets=snapshots.spendings())
    section = page.text.partition("Page budgets 3")[2].partition("No page is held back")[0]
    bars = [dict(attrs)["width"] for tag, attrs in page.tags if tag == "rect" and attrs.get("class") == "fill"][-3:]

    assert page.open == []
    assert section.split("Pages / bearable ")[1].strip() == (
        'shop overspent of service="shop", team=~"web|app" on any channel, in the last 7d 7 of 5 '
        "night-shift used up of everything on pagerduty, in the last 1d 2 of 2 "
        "everything bearable of everything on any channel, in the last 7d 3 of 20"
    )
    assert bars == ["100", "100.0", "15.0"]
    assert "Page budgets" not in read(snapshots.healthy()).text


def test_what_flaps_is_on_the_page() -> None:
    """How often, and from when on it is told again."""
    page = read(snapshots.healthy(), flapping=snapshots.flaps())
    section = page.text.partition("Flapping 2")[2].partition("What is more severe")[0]

    assert page.open == []
    assert section.split("Told again from ")[1].strip() == (
        "alerts of severity=warning service=be-camera slack 4 times since 14:24:15 UTC, when people were told "
        "14:44:15 UTC be-auth/HighErrorRate instance=auth-1:9100 pagerduty once since 14:24:15 UTC, "
        "when people were told 14:44:15 UTC"
    )
    assert "Flapping" not in read(snapshots.healthy()).text
