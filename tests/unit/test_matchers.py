"""Matchers mean what they mean in Alertmanager."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.matchers import LabelMatcher, MatcherError, fulfilled, parse_matchers

LABELS = {"severity": "critical", "pod": "canary-7", "team": ""}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('severity="critical"', True),
        ("severity=critical", True),
        ('severity!="critical"', False),
        ('pod=~"canary"', False),  # the whole value
        ('pod=~"canary-.*"', True),
        ('pod!~"canary-.*"', False),
        ('team=""', True),
        ('region=""', True),  # a label that is not there is empty
        ('region!=""', False),
        ('region=~".*"', True),
        ('region=~".+"', False),
        ('{severity=~"critical|warning", pod!="a"}', True),
        ('severity="critical",pod="a"', False),
        ("region=", True),
    ],
)
def test_a_matcher_holds_as_in_alertmanager(text: str, holds: bool) -> None:
    """Equality, anchored patterns, absent labels, several matchers."""
    assert fulfilled(parse_matchers(text), LABELS) is holds


@pytest.mark.parametrize(
    ("text", "position", "said"),
    [
        ("", 0, "is expected"),
        ("severity", 0, "one of =, !=, =~, !~"),
        ('severity="critical', 9, "not closed"),
        ('severity="a" pod="b"', 13, "comma"),
        ('{severity="a"', 13, "closing brace"),
        ('pod=~"("', 5, "no regular expression"),
        ('pod=~"(?=a)"', 5, "no regular expression"),  # RE2 has no look-ahead, and neither has Alertmanager
    ],
)
def test_what_is_no_matcher_is_refused_where_it_is_wrong(text: str, position: int, said: str) -> None:
    """The error knows the place."""
    with pytest.raises(MatcherError, match=said) as caught:
        parse_matchers(text)

    assert caught.value.position == position


@given(st.builds(LabelMatcher, st.from_regex("[a-z_]{1,5}", fullmatch=True), st.text(), st.just(False), st.booleans()))
def test_a_matcher_reads_back_as_it_is_printed(matcher: LabelMatcher) -> None:
    """Quotes, backslashes, commas, braces and line breaks included."""
    assert parse_matchers(str(matcher)) == (matcher,)


def test_no_pattern_holds_up_the_evaluator() -> None:
    """What takes Python's own engine longer than the age of the universe is decided at once."""
    matcher = LabelMatcher("pod", "(a+)+b", regular=True)
    begin = time.perf_counter()

    assert not matcher.holds({"pod": "a" * 5_000})
    assert time.perf_counter() - begin < 5
