"""A month's report: its figures agree with each other, and it says what it cannot know."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contracts import END, MINUTE, START, contract, exclusion, measure, run, tiers

from tocsin.adapters.browser import NAMES
from tocsin.cli.main import run as tocsin
from tocsin.evaluate.calendar import month as calendar_month
from tocsin.evaluate.measures import Interval
from tocsin.monthly.build import month_of
from tocsin.monthly.charts import budget, calendar, uptime_by_day
from tocsin.monthly.html import as_html
from tocsin.monthly.model import Month, Seen
from tocsin.monthly.texts import as_json, days_as_csv, outages_as_csv
from tocsin.monthly.words import clock, credit_words, share
from tocsin.service.month import Period
from tocsin.spec import Sla

S3 = tiers(("0.999", "0.10"), ("0.99", "0.25"), ("0.95", "1"))
FIVE = 5 * MINUTE
MONTH = 8_928


def five_minutes(*ratios: float | None) -> list[Interval]:
    """The whole of October: these, then good ones."""
    return run([*ratios, *[1.0] * (MONTH - len(ratios))], FIVE)


def gold(**changes: object) -> Sla:
    """S3's contract."""
    sla = contract(measure("interval-mean", interval="5m"), credits=S3)
    return replace(sla, **changes)  # type: ignore[arg-type]


def test_a_clean_month() -> None:
    """Nothing happened, and the page says so without a figure that looks otherwise."""
    month = month_of(gold(), START, END, five_minutes())

    assert (month.uptime, month.breached, month.credit, month.used) == (Fraction(1), False, Decimal(0), Fraction(0))
    assert month.outages == ()
    assert month.verdict == "uptime 100% is not below 99.9%: no credit"
    assert ">Kept<" in as_html(month)


def test_single_errors_are_no_outage() -> None:
    """An interval with 0.05 % of errors is better than promised; what it lost is told apart from outages."""
    month = month_of(gold(), START, END, five_minutes(0.0, 0.0, 1.0, *[0.9995] * 100))

    assert [(one.start, one.end, one.counted) for one in month.outages] == [
        (START, START + 2 * FIVE, Fraction(600_000))
    ]
    assert month.elsewhere == 100 * 300_000 * Fraction(5, 10_000)


def test_an_interval_exactly_at_the_target_is_no_outage() -> None:
    """It is as good as promised, so what it lost stands with the single errors."""
    month = month_of(gold(), START, END, five_minutes(0.999, 0.9989))

    assert [one.start for one in month.outages] == [START + FIVE]


def test_time_that_does_not_count_ends_an_outage() -> None:
    """Down, not deployed, down again: two outages, not one that lasted through."""
    how = gold(measure=measure("deployed-minutes"))
    ones = [replace(one, deployed=not 2 <= place < 4) for place, one in enumerate(run([0.0] * 6 + [1.0] * 10))]

    assert [one.milliseconds for one in month_of(how, START, END, ones).outages] == [120_000, 120_000]


def test_the_budget_knows_what_will_be_removed() -> None:
    """A maintenance that is agreed for the rest of the month makes the period, and so the budget, shorter."""
    half, day = five_minutes()[: MONTH // 2], 1440
    later = month_of(gold(exclusions=(exclusion(20 * day, 21 * day),)), START, END, half)
    forgiven = month_of(gold(exclusions=(exclusion(20 * day, 21 * day, "good"),)), START, END, half)

    assert later.allowed == 30 * 86_400 == forgiven.allowed - 86_400


def test_a_month_that_runs() -> None:
    """Half of it is reported so far; the budget is that of the whole month, not of what has passed."""
    month = month_of(gold(), START, END, five_minutes(0.0)[: MONTH // 2])

    assert month.complete is False
    assert month.allowed == 44_640_000 * 60 // 1000
    assert ">Kept so far<" in as_html(month)
    assert "measured up to 2026-10-16 12:00" in as_html(month)


@pytest.mark.parametrize(("down", "word"), [(6, "Below the promise so far"), (9, "Missed")])
def test_a_month_that_runs_is_missed_once_nothing_can_save_it(down: int, word: str) -> None:
    """After ten days 30 of 44 minutes are used: no credit need be due in the end; with 45 it will."""
    month = month_of(gold(), START, END, five_minutes(*[0.0] * down)[: 10 * 288])
    page = as_html(month)

    assert (month.breached, month.credit, month.runs) == (True, Decimal("0.10"), True)
    assert month.verdict.endswith("10% credit, if the month ended now")
    assert f">{word}<" in page
    assert "10% if it ended now" in page
    assert " due<" not in page


@pytest.mark.parametrize(("bad", "breached", "word"), [(1, None, "Not known"), (9, True, "Missed")])
def test_a_month_whose_start_nobody_saw(bad: int, breached: bool | None, word: str) -> None:
    """It is not the rest of the month: no credit is told, and a breach only if nothing unseen can undo it."""
    ones = [*unseen(14 * 288), *five_minutes(*[1.0] * (14 * 288), *[0.0] * bad)[14 * 288 :]]
    month = month_of(gold(), START, END, ones, seen=Seen(floor=0.9))

    assert (month.breached, month.credit, month.complete) == (breached, None, False)
    assert month.unseen == ((START, START + timedelta(days=14)),)
    assert month.seen.coverage == pytest.approx(17 / 31)
    assert f">{word}<" in as_html(month)
    assert "if it was not in force before 2026-10-15 00:00 UTC, exclude that time" in month.verdict


def test_a_contract_that_began_within_the_month() -> None:
    """Excluding what was before makes a month of the rest."""
    ones = [*unseen(14 * 288), *five_minutes(*[1.0] * (14 * 288), 0.0)[14 * 288 :]]
    month = month_of(gold(exclusions=(exclusion(0, 14 * 1440),)), START, END, ones, seen=Seen(floor=0.9))

    assert (month.breached, month.complete, month.seen.coverage) == (False, True, 1.0)
    assert month.allowed == 17 * 1_440 * 60  # milliseconds: a thousandth of seventeen days


def test_too_few_events() -> None:
    """Everything failed, and nothing is owed."""
    sla = gold(measure=measure("minutes", interval="1m", minimum_events=2_000))
    month = month_of(sla, START, END, run([0.0] * 10, events=1.0))

    assert (month.uptime, month.breached, month.credit) == (Fraction(0), False, Decimal(0))
    assert month.verdict == "10 events are fewer than the 2,000 of the contract: no breach, no credit"


def unseen(count: int, good: float | None = None) -> list[Interval]:
    """Intervals in which no counter answered."""
    return [replace(one, seen=False) for one in run([good] * count, FIVE)]


@pytest.mark.parametrize("empty", ["good", "bad", "ignore"])
@pytest.mark.parametrize("method", ["interval-mean", "minutes"])
def test_a_contract_that_nobody_saw_is_not_kept(method: str, empty: str) -> None:
    """A misspelt selector, or intervals as short as scrapes: no counter ever answered, and nothing is known of it."""
    month = month_of(gold(measure=measure(method, interval="5m", empty=empty)), START, END, unseen(MONTH))

    assert (month.uptime, month.breached, month.credit) == (None, None, None)
    assert (month.complete, month.seen.coverage) == (False, 0.0)
    assert month.verdict.startswith("no event of it was ever seen in this period")
    assert ">Not known<" in as_html(month)
    assert 'class="verdict blind"' in as_html(month)


def test_an_idle_contract_is_what_it_says() -> None:
    """Counters that stand still are seen: the service is there, and empty intervals count as the contract has it."""
    month = month_of(gold(), START, END, five_minutes(*[None] * 8_000))

    assert (month.uptime, month.breached, month.seen.coverage) == (Fraction(1), False, 1.0)


@pytest.mark.parametrize(("gap", "breached"), [(400, False), (2_000, None)])
def test_a_month_of_which_much_was_not_seen(gap: int, breached: bool | None) -> None:
    """Without a ledger, too: 4 % that no counter answered in are as the contract says, 22 % are too much."""
    ones = five_minutes()
    ones[100 : 100 + gap] = [replace(one, good=None, seen=False) for one in ones[100 : 100 + gap]]
    month = month_of(gold(), START, END, ones, seen=Seen(floor=0.9))

    assert month.seen.coverage == pytest.approx(1 - gap / MONTH)
    assert (month.breached, month.complete) == (breached, breached is not None)


def test_nothing_was_measured() -> None:
    """A contract whose empty intervals do not count, without events, has a report all the same."""
    sla = gold(measure=measure("interval-mean", interval="5m", empty="ignore"))
    for ones in ([], run([None] * 100, FIVE)):
        month = month_of(sla, START, END, ones)

        assert (month.uptime, month.breached, month.credit) == (None, None, None)
        assert ">Not known<" in as_html(month)
        assert json.loads(as_json(month))["uptime"] is None


@pytest.mark.parametrize(
    ("uptime", "words"),
    [
        ("0.998712", "uptime 99.8712% is below 99.9% and not below 99%: 10% credit"),
        ("0.99", "uptime 99% is below 99.9% and not below 99%: 10% credit"),
        ("0.9899999999", "uptime 98.9999% is below 99% and not below 95%: 25% credit"),
        ("0.5", "uptime 50% is below 95%: 100% credit"),
        ("0.999", "uptime 99.9% is not below 99.9%: no credit"),
    ],
)
def test_credit_in_words(uptime: str, words: str) -> None:
    """The tier that applies, and the one that does not yet."""
    assert credit_words(Fraction(uptime), Decimal("0.999"), S3) == words


def test_an_uptime_is_told_as_finely_as_it_is_promised() -> None:
    """99.999995 % cut off to 99.9999 % would read as less than the promise of 99.99999 % that it keeps."""
    target = Decimal("0.9999999")
    month = month_of(gold(target=target, credits=tiers(("0.9999999", "0.1"))), START, END, five_minutes())
    fine = replace(month, uptime=Fraction("0.99999995"))

    assert credit_words(fine.uptime, target, fine.sla.credits) == "uptime 99.99999% is not below 99.99999%: no credit"
    assert "<dd>99.99999%</dd>" in as_html(fine)


@pytest.mark.parametrize(
    ("now", "first"),
    [
        ("2026-11-27T00:00Z", "2026-09-30T17:00"),
        ("2026-10-31T16:59Z", "2026-08-31T17:00"),
        ("2027-01-01T03:00Z", "2026-11-30T17:00"),
    ],
)
def test_the_last_month_that_is_over(now: str, first: str) -> None:
    """Without a month it is the one before the local one, across years and zones."""
    start, end = Period(None).bounds(gold(timezone="Asia/Ho_Chi_Minh"), datetime.fromisoformat(now))

    assert start.replace(tzinfo=None) == datetime.fromisoformat(first)
    assert end <= datetime.fromisoformat(now)


def test_an_outage_that_is_excluded_in_part_says_how_much() -> None:
    """Half an hour of 40 minutes is agreed; of one that is agreed as a whole that stands there alone."""
    sla = gold(exclusions=(exclusion(15, 65, reason="night work"), exclusion(100, 200, reason="day work")))
    month = month_of(sla, START, END, five_minutes(1.0, *[0.0] * 8, *[1.0] * 13, 0.0))

    assert [one.note for one in month.outages] == ["30m of 40m excluded: night work", "excluded: day work"]
    assert month.outages[0].counted == 600_000


@pytest.mark.parametrize(
    ("at", "zone", "shown"),
    [
        ("2026-10-25T00:50Z", "Europe/Berlin", "2026-10-25 02:50+02:00"),
        ("2026-10-25T01:10:30Z", "Europe/Berlin", "2026-10-25 02:10:30+01:00"),
        ("2026-10-25T02:00Z", "Europe/Berlin", "2026-10-25 03:00"),
        ("2026-03-29T01:00Z", "Europe/Berlin", "2026-03-29 03:00"),
        ("2026-04-04T14:45Z", "Australia/Lord_Howe", "2026-04-05 01:45+11:00"),
    ],
)
def test_a_time_that_clocks_show_twice_says_which_it_is(at: str, zone: str, shown: str) -> None:
    """Else an outage while clocks are put back would end on the page before it began."""
    assert clock(datetime.fromisoformat(at), ZoneInfo(zone)) == shown


def test_days_are_local_and_clocks_may_change() -> None:
    """October 2026 in Berlin has 745 hours; the day with 25 is one row, and everything fits on the chart."""
    zone = gold(timezone="Europe/Berlin")
    start, end = calendar_month(datetime(2026, 10, 15, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
    count = (end - start) // FIVE
    ones = [Interval(start + i * FIVE, start + (i + 1) * FIVE, 0.0 if i % 500 == 0 else 1.0) for i in range(count)]
    month = month_of(zone, start, end, ones)

    assert count == 745 * 12
    assert [len(month.days), max(day.tally.weight for day in month.days)] == [31, 25 * 3_600_000]
    assert all(box.x + box.width <= 709 for box in calendar(month).boxes)


RATIOS = st.lists(st.one_of(st.none(), st.sampled_from([0.0, 0.5, 1.0]), st.floats(0, 1)), max_size=50)
HOWS = st.builds(
    measure,
    st.sampled_from(["interval-mean", "minutes", "downtime-periods", "deployed-minutes"]),
    empty=st.sampled_from(["good", "bad", "ignore"]),
    at_least=st.sampled_from([None, "3m"]),
)


@settings(deadline=None)
@given(RATIOS, HOWS, st.lists(st.tuples(st.integers(-5, 40), st.integers(1, 60), st.sampled_from(["remove", "good"]))))
def test_figures_agree(ratios: list[float | None], how: object, windows: list[tuple[int, int, str]]) -> None:
    """Days, outages and the curve come to the same downtime; nothing shown exceeds what is; any page renders."""
    agreed = tuple(exclusion(start, start + length, treat) for start, length, treat in windows)
    month = month_of(gold(measure=how, exclusions=agreed), START, END, run(ratios))

    assert sum((day.tally.down() for day in month.days), Fraction(0)) == month.used
    assert month.curve[-1][1] == month.used
    assert month.elsewhere >= 0
    assert all(0 <= one.counted <= one.milliseconds - one.excluded for one in month.outages)
    _shown_is_no_more(month)


def _shown_is_no_more(month: Month) -> None:
    told = json.loads(as_json(month))
    if month.uptime is not None:
        assert Fraction(told["uptime"]) <= month.uptime + Fraction(1, 10**15)
        assert Fraction(share(month.uptime).removesuffix("%")) / 100 <= month.uptime
    assert as_html(month).startswith("<!doctype html>")
    assert len(days_as_csv(month).splitlines()) == len(month.days) + 1
    for chart in (uptime_by_day(month), calendar(month), budget(month)):
        assert all(box.height <= chart.height for box in chart.boxes)


# --- the command -----------------------------------------------------------------------------------------------

DEFINITIONS = """
apiVersion: tocsin/v1
kind: Service
name: shop
slis: {ok: {probe: {up: up}}}
slos: {up: {sli: ok, target: 99.9%}}
---
apiVersion: tocsin/v1
kind: SLA
name: gold
customer: ACME
covers: shop/up
target: 99%
"""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--month", "october"], "'october' is not a month"),
        (["--month", "2026-13"], "'2026-13' is not a month"),
        (["--month", "9999-12"], "--month: there are no samples of 9999"),
        (["--month", "0001-01"], "--month: there are no samples of 1"),
        (["--month", "2100-01"], "has not begun"),
        (["--sla", "silver"], "there is no SLA 'silver'"),
        (["--month", "2025-10"], "does not tell all of gold"),
    ],
)
def test_what_cannot_be_reported(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says why, and the exit code is 2; no file is left."""
    (tmp_path / "sla.yaml").write_text(DEFINITIONS, encoding="utf-8")
    where = ["--prometheus", "http://127.0.0.1:9", "--out", str(tmp_path / "out")]

    assert tocsin(["report", str(tmp_path / "sla.yaml"), *where, *options]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_pdf_without_a_browser(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said before anything is asked, with what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "sla.yaml").write_text(DEFINITIONS, encoding="utf-8")
    where = ["--prometheus", "http://127.0.0.1:9", "--out", str(tmp_path / "out")]

    assert tocsin(["report", str(tmp_path / "sla.yaml"), *where, "--pdf"]) == 2
    said = capsys.readouterr().err
    assert "no browser that prints was found on PATH" in said
    assert NAMES[0] in said


# --- what nobody saw, what costs little, where months end ------------------------------------------------------


def test_what_nobody_saw_is_told_and_drawn() -> None:
    """A day and an hour without any answer count as up by this contract, but make no good day."""
    ones = five_minutes()
    for place in [*range(288, 576), *range(1000, 1012)]:
        ones[place] = replace(ones[place], good=None, seen=False)
    month = month_of(gold(), START, END, ones)
    page = as_html(month)

    assert month.unseen == (
        (START + timedelta(days=1), START + timedelta(days=2)),
        (START + 1000 * FIVE, START + 1012 * FIVE),
    )
    assert [day.seen for day in month.days[:4]] == [True, False, True, True]
    assert [box.tone for box in uptime_by_day(month).boxes[:3]] == ["good", "unknown", "good"]
    assert [box.title for box in calendar(month).boxes if box.tone == "unknown"] == [
        "2026-10-02 00:00, nobody saw it",
        "2026-10-04 11:20, nobody saw it",
    ]
    assert "the 1d 1h that nobody saw counts as up." in page
    assert "0 had no events, nobody saw 300." in page
    assert json.loads(as_json(month))["days"][1]["unseen"] == 86_400


def test_many_intervals_with_single_errors_are_no_list() -> None:
    """Of 501 stretches that are worse than promised the page lists the outage, and says what the others cost."""
    month = month_of(gold(), START, END, five_minutes(*[0.998, 1.0] * 500, 0.0, 0.0))
    page = as_html(month)

    assert len(month.outages) == 501
    assert page.count('<td class="remark">') == 1
    assert "Told is the one that cost most; 500 more, which cost 5m together, are in the CSV file." in page
    assert {box.tone for box in calendar(month).boxes} == {"rail", "little", "bad"}
    assert len(outages_as_csv(month).splitlines()) == 502


def test_an_outage_at_the_bounds_of_a_month_says_so() -> None:
    """Only a part of it may be this month's."""
    ones = five_minutes(0.0)
    ones[-1] = replace(ones[-1], good=0.0)
    month = month_of(gold(), START, END, ones)

    assert [one.note for one in month.outages] == [
        "from the start of the month: what was before it counts in the month before",
        "to the end of the month: what follows counts in the next",
    ]


def test_a_month_of_which_nothing_is_known_has_no_figures() -> None:
    """No chart of nothing, no downtime of 0 s, and a question has one mark."""
    page = as_html(month_of(gold(), START, END, unseen(MONTH)))

    assert "<svg" not in page
    assert page.count("<dd>unknown</dd>") == 4
    assert "?." not in page


def test_too_little_seen_is_no_uptime() -> None:
    """The figure of what was counted stands there as that."""
    ones = [*five_minutes(0.0)[: MONTH // 2], *unseen(MONTH)[MONTH // 2 :]]
    page = as_html(month_of(gold(), START, END, ones, seen=Seen(floor=0.9)))

    assert "<dt>Uptime</dt><dd>unknown</dd>" in page
    assert "of what counts" in page


def test_the_credit_is_explained_by_its_terms() -> None:
    """Downtime over the time that counts is the uptime, and the tier that is due is marked among all."""
    month = month_of(gold(), START, END, five_minutes(*[0.0] * 12))
    page = as_html(month)

    assert "Uptime is 1 &minus; 1h of downtime / 31d that count = 99.8655%." in page
    assert '<li class="owed">below 99.9%: 10% due</li><li>below 99%: 25%</li>' in page


@pytest.mark.parametrize(("first", "hours", "said"), [(3, 23, "Sun 29 has 23 hours"), (10, 25, "Sun 25 has 25 hours")])
def test_days_of_other_lengths_are_as_long_as_they_are(first: int, hours: int, said: str) -> None:
    """Their row of the calendar is shorter or longer than the others, and the page says why."""
    zone = ZoneInfo("Europe/Berlin")
    start, end = calendar_month(datetime(2026, first, 15, tzinfo=UTC), zone)
    count = (end - start) // FIVE
    ones = [Interval(start + n * FIVE, start + (n + 1) * FIVE, 1.0) for n in range(count)]
    month = month_of(gold(timezone="Europe/Berlin"), start, end, ones)
    rails = {box.title: box.width for box in calendar(month).boxes if box.tone == "rail"}
    (odd,) = [title for title in rails if "hours" in title]

    assert rails[odd] / rails[f"2026-{first:02d}-01"] == pytest.approx(hours / 24)
    assert said in as_html(month)


@pytest.mark.parametrize(("used", "top", "steps"), [(10, "125%", 6), (8, "100%", 5), (22, "400%", 5)])
def test_the_scale_of_a_budget_is_as_high_as_it_has_to_be(used: int, top: str, steps: int) -> None:
    """Steps of a quarter up to twice the budget, then four of a round number."""
    chart = budget(month_of(gold(), START, END, five_minutes(*[0.0] * used)))

    assert (chart.down[-1].text, len(chart.down)) == (top, steps)
