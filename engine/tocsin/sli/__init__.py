"""SLI kinds: each turns a window into PromQL for bad and for total events."""

from tocsin.sli.base import Sli
from tocsin.sli.latency import LatencySli
from tocsin.sli.probe import ProbeSli
from tocsin.sli.ratio import RatioSli

__all__ = ["SLIS", "LatencySli", "ProbeSli", "RatioSli", "Sli"]

SLIS: dict[str, type[Sli]] = {cls.kind: cls for cls in (RatioSli, LatencySli, ProbeSli)}
