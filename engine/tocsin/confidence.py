"""What few events say about an error ratio: intervals, and what chance alone would do.

*bad* of *total* independent events; intervals are two-sided and about the fraction of bad ones. For service levels the
Jeffreys and the Wilson interval are the ones to show (Brown, Cai and DasGupta, "Interval Estimation for a Binomial
Proportion", 2001): they are right on average. The exact one never promises too much, and is wider for that.

Counts of a metric source are extrapolated and need not be whole; intervals take them as they are. SciPy is loaded by
the first call that needs it: no command has to wait for it that asks nothing of this kind.
"""

from dataclasses import dataclass
from math import ceil, isfinite, log1p, sqrt
from statistics import NormalDist

CONFIDENCE = 0.95
ALPHA = 0.001
"""An alert that is asked for every hour is asked 720 times a month: 0.05 would be wrong 36 times."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Between which error ratios the true one lies, with the confidence that was asked for."""

    low: float
    high: float

    def __contains__(self, ratio: float) -> bool:
        return self.low <= ratio <= self.high


def wilson(bad: float, total: float, confidence: float = CONFIDENCE) -> Interval | None:
    """Every ratio that a normal test of the count would not reject (Wilson, 1927); None without events.

    `(p + z^2/2n +- z * sqrt(p * (1 - p) / n + z^2/4n^2)) / (1 + z^2/n)`. Too eager at one bad event: 1 of 10 puts the
    lower end above 1.44 % one-sided, where the exact test finds that chance does as much 13.5 times in a hundred.

    >>> wilson(1, 10)  # doctest: +ELLIPSIS
    Interval(low=0.0178762130..., high=0.4041500267...)
    """
    if not _are_counts(bad, total):
        return None
    z = NormalDist().inv_cdf(1 - _tail(confidence))
    p, share = bad / total, z * z / total
    middle, half = p + share / 2, z * sqrt(p * (1 - p) / total + share / total / 4)
    low = (middle - half) / (1 + share) if bad else 0.0
    high = (middle + half) / (1 + share) if bad < total else 1.0
    return Interval(max(low, 0.0), min(high, 1.0))


def jeffreys(bad: float, total: float, confidence: float = CONFIDENCE) -> Interval | None:
    """What is believed after the count by who believed nothing before: quantiles of Beta(bad + 1/2, total - bad + 1/2).

    The lower end is 0 without bad events, and the upper one 1 without good ones. None without events.

    >>> jeffreys(0, 10)  # doctest: +ELLIPSIS
    Interval(low=0.0, high=0.2171962...)
    """
    return _beta(bad, total, confidence, 0.5, 0.5)


def exact(bad: float, total: float, confidence: float = CONFIDENCE) -> Interval | None:
    """Every ratio that neither tail of the binomial distribution rejects (Clopper and Pearson, 1934).

    Quantiles of Beta(bad, total - bad + 1) and Beta(bad + 1, total - bad): the true ratio lies outside at most as often
    as stated, whatever it is. None without events.

    >>> exact(0, 10)  # doctest: +ELLIPSIS
    Interval(low=0.0, high=0.308497...)
    """
    return _beta(bad, total, confidence, 0.0, 1.0)


def _beta(bad: float, total: float, confidence: float, near: float, far: float) -> Interval | None:
    """Both ends by quantiles of the beta distribution; *near* and *far* are what is added to the counts."""
    if not _are_counts(bad, total):
        return None
    from scipy.special import betaincinv  # noqa: PLC0415 - see the module

    tail, good = _tail(confidence), total - bad
    low = float(betaincinv(bad + near, good + far, tail)) if bad else 0.0
    high = float(betaincinv(bad + far, good + near, 1 - tail)) if good else 1.0
    return Interval(low, high)


def chance(bad: int, total: int, ratio: float) -> float:
    """How probable *bad* or more of *total* events are, if each is bad with probability *ratio*.

    `P(Bin(n, p) >= k) = I_p(k, n - k + 1)`, the regularised incomplete beta function.

    >>> round(chance(1, 10, 0.001), 10)
    0.0099551198
    """
    _check_ratio(ratio)
    if bad <= 0:
        return 1.0
    if bad > total:
        return 0.0
    from scipy.special import betainc  # noqa: PLC0415 - see the module

    return float(betainc(bad, total - bad + 1, ratio))


def least_bad(total: int, ratio: float, alpha: float = ALPHA) -> int | None:
    """How many bad ones of *total* events prove that the true error ratio is above *ratio*; None: not even all of them.

    The exact binomial test: the least count that chance reaches with a probability of at most *alpha*.

    >>> [least_bad(n, 0.0144) for n in (2, 10, 100, 1000)]
    [2, 3, 7, 28]
    """
    if chance(total, total, ratio) > alpha or total <= 0:
        return None
    low, high = 0, total  # chance(low) > alpha >= chance(high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if chance(middle, total, ratio) > alpha else (low, middle)
    return high


def expected_alerts(total: int, ratio: float, bad: int, windows: int) -> float:
    """How many of so many independent *windows*, each with *total* events, chance alone gives *bad* or more bad ones.

    At 99.9 % and ten events an hour one bad event in an hour burns 100 times too fast, and a month has 720 hours:

    >>> round(expected_alerts(10, 0.001, 1, 720), 7)
    7.1676862
    """
    return windows * chance(bad, total, ratio)


def events_to_prove(ratio: float, confidence: float = CONFIDENCE) -> int:
    """How many events without a bad one prove an error ratio below *ratio*: `ln(1 - confidence) / ln(1 - ratio)`.

    >>> events_to_prove(0.001)
    2995
    """
    _tail(confidence)
    if not 0 < ratio < 1:
        raise ValueError(f"no number of events proves an error ratio below {ratio}")
    return ceil(log1p(-confidence) / log1p(-ratio))


def _tail(confidence: float) -> float:
    """The probability of either tail."""
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence is between 0 and 1, not {confidence}")
    return (1 - confidence) / 2


def _check_ratio(ratio: float) -> None:
    if not 0 <= ratio <= 1:
        raise ValueError(f"a ratio is between 0 and 1, not {ratio}")


def _are_counts(bad: float, total: float) -> bool:
    """Whether there are events, and no more bad ones than there are: what a source answers may be anything."""
    return isfinite(total) and total > 0 and 0 <= bad <= total
