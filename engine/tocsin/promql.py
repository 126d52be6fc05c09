"""PromQL text: escaping labels, and putting a window, a suffix or a matcher into a plain selector.

A plain selector is `name`, `{matchers}` or `name{matchers}`, with an optional `offset` or `@` behind it. Nothing
here judges whether a text is one: that is the work of the checks.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from tocsin.ports import Labels
from tocsin.units import Duration

STRING = r'"(?:\\.|[^"\\])*"' + r"|'(?:\\.|[^'\\])*'" + "|`[^`]*`"
"""What a string looks like, as a regular expression without groups."""
_TOKEN = re.compile(rf"({STRING})|((?:#[^\n]*|\s)+)|[^\s#\"'`]+|.", re.DOTALL)
_PLACE = re.compile(rf"({STRING}|#[^\n]*)|\$window\b", re.DOTALL)
WINDOW = "$window"
"""Where a window goes in the PromQL of an SLI, such as `sum(rate(x[$window]))`."""
STAND_IN = "604800s"
"""A window as long as its placeholder, so that every character stays where it is."""
_SELECTOR = re.compile(
    rf"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)? ?(?P<braces>\{{(?:{STRING}|[^\"'`{{}}])*\}})? ?(?P<rest>.*)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class _Selector:
    """The parts of a plain selector; *matchers* is the text between the braces."""

    name: str
    matchers: str
    rest: str

    def text(self, window: str = "") -> str:
        """Put the parts together again."""
        braces = f"{{{self.matchers}}}" if self.matchers or not self.name else ""
        return f"{self.name}{braces}{window}{' ' + self.rest if self.rest else ''}"


def label_value(text: str) -> str:
    r"""Quote a label value.

    >>> label_value('5"\\n')
    '"5\\"\\\\n"'
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


@lru_cache(maxsize=1024)
def matchers(labels: Labels) -> str:
    """Write equality matchers.

    >>> matchers((("service", "be-camera"), ("slo", "uptime")))
    '{service="be-camera",slo="uptime"}'
    """
    return "{" + ",".join(f"{name}={label_value(value)}" for name, value in labels) + "}"


@lru_cache(maxsize=1024)
def tidy(expression: str) -> str:
    """Put an expression on one line, without comments.

    >>> tidy('up{job="a  b"}  # is it there?')
    'up{job="a  b"}'
    """
    return _TOKEN.sub(lambda m: " " if m[2] else m[0], expression).strip()


def over(selector: str, window: str) -> str:
    """Give a plain selector a range (or, with a colon in *window*, a subquery).

    >>> over('http_requests_total{status=~"5.."} offset 1h', "5m")
    'http_requests_total{status=~"5.."}[5m] offset 1h'
    """
    return _parts(selector).text(f"[{window}]")


def with_window(text: str, window: str = STAND_IN) -> str:
    """Put a window in the place of each `$window` that is no part of a string or comment.

    >>> with_window('sum(rate(x{a="$window"}[$window]))', "5m")
    'sum(rate(x{a="$window"}[5m]))'
    """
    return _PLACE.sub(lambda match: match[1] or window, text) if WINDOW in text else text


def is_windowed(text: str) -> bool:
    """Whether *text* has a place for the window.

    >>> is_windowed("rate(x[$window])"), is_windowed("rate(x[5m]) # not $window")
    (True, False)
    """
    return WINDOW in text and with_window(text) != text


def shifted(selector: str, offset: str) -> str | None:
    """Look at a plain selector *offset* ago; None where it looks back already.

    >>> shifted("x{a='b'}", "5m"), shifted("x offset 1h", "5m")
    ("x{a='b'} offset 5m", None)
    """
    parts = _parts(selector)
    return None if parts.rest else f"{parts.text()} offset {offset}"


def then(expression: str, ago: Duration) -> str:
    """Look at any expression as it was so long *ago*, at the full minute before.

    >>> then("sum(rate(x[5m]))", Duration.of(hours=1))
    'last_over_time((sum(rate(x[5m])))[1m:1m] offset 1h)'
    """
    return f"last_over_time(({expression})[1m:1m] offset {ago})"


def renamed(selector: str, suffix: str) -> str:
    """Append *suffix* to the metric's name.

    >>> renamed('latency_seconds{job="a"}', "_count")
    'latency_seconds_count{job="a"}'
    """
    parts = _parts(selector)
    return _Selector(parts.name + suffix, parts.matchers, parts.rest).text() if parts.name else parts.text()


def with_matcher(selector: str, matcher: str) -> str:
    """Narrow a plain selector by one more matcher.

    >>> with_matcher('latency_seconds_bucket{job="a",}', 'le="0.5"')
    'latency_seconds_bucket{job="a",le="0.5"}'
    """
    parts = _parts(selector)
    before = parts.matchers.strip().removesuffix(",")
    return _Selector(parts.name, f"{before},{matcher}" if before else matcher, parts.rest).text()


def summed(vector: str, by: tuple[str, ...] = (), aggregation: str = "sum") -> str:
    """Aggregate a vector to one row for each combination of the labels *by*.

    >>> summed("rate(x[5m])"), summed("x", ("route", "job"), "count")
    ('sum(rate(x[5m]))', 'count by (route, job) (x)')
    """
    return f"{aggregation} by ({', '.join(by)}) ({vector})" if by else f"{aggregation}({vector})"


def metric_name(selector: str) -> str:
    """The name in front of the braces; empty where there is none."""
    return _parts(selector).name


def matcher_text(selector: str) -> str:
    """What stands between the braces.

    >>> matcher_text('x{job="a"}'), matcher_text("x")
    ('job="a"', '')
    """
    return _parts(selector).matchers


@lru_cache(maxsize=1024)
def _parts(selector: str) -> _Selector:
    text = tidy(selector)
    match = _SELECTOR.fullmatch(text)
    if match is None:  # cannot be: every part is optional
        raise AssertionError(text)
    return _Selector(match["name"] or "", (match["braces"] or "{}")[1:-1].strip(), match["rest"])
