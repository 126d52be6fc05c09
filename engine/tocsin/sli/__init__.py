"""SLI kinds: each turns a window into PromQL for bad and for total events."""

from tocsin.sli.base import Sli

__all__ = ["Sli"]
