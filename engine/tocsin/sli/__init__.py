"""SLI kinds: each turns a window into PromQL for bad and for total events."""

from tocsin.sli.base import Counters, Given, Sli, SliKind
from tocsin.sli.freshness import FreshnessSli
from tocsin.sli.guarded import for_long, guarded, has_guard
from tocsin.sli.latency import LatencySli
from tocsin.sli.newborn import MARK as BIRTHS_LABEL
from tocsin.sli.newborn import born_just_now
from tocsin.sli.probe import ProbeSli
from tocsin.sli.query import Form, form_of, seconds_of
from tocsin.sli.ratio import RatioSli
from tocsin.sli.raw import RawSli
from tocsin.sli.slices import SlicedSli
from tocsin.sli.threshold import ThresholdSli

__all__ = [
    "BIRTHS_LABEL",
    "SLIS",
    "Counters",
    "Form",
    "FreshnessSli",
    "Given",
    "LatencySli",
    "ProbeSli",
    "RatioSli",
    "RawSli",
    "Sli",
    "SliKind",
    "SlicedSli",
    "ThresholdSli",
    "born_just_now",
    "for_long",
    "form_of",
    "guarded",
    "has_guard",
    "seconds_of",
]

SLIS: dict[str, type[SliKind]] = {
    cls.kind: cls for cls in (RatioSli, RawSli, LatencySli, ProbeSli, ThresholdSli, FreshnessSli)
}
