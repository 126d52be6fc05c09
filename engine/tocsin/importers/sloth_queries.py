"""The SLIs of Sloth: Go templates of PromQL, which it evaluates once for each of its windows."""

import re
from collections.abc import Mapping as Keys

from tocsin.importers.draft import Mapping, Query
from tocsin.importers.grouping import Sli, group_by
from tocsin.importers.ledger import Given
from tocsin.importers.services import query
from tocsin.promql import STAND_IN, WINDOW, is_windowed, tidy, with_window
from tocsin.promql_syntax import Fault, lex, parse

_WINDOW = re.compile(r"\{\{-?\s*\.window\s*-?\}\}")
_UNKNOWN = re.compile(r"\{\{-?\s*\.[\w.]+\s*-?\}\}")


def sli(node: Given, keys: Keys[str, str], *, plugins: bool) -> Sli | None:
    """Events or a raw ratio, with `$window` where Sloth puts the window; None where that cannot be, and it is told.

    With *plugins* Sloth may take what is no PromQL, such as MetricsQL.
    """
    kinds = [kind for kind in ("events", "raw") if kind in node]
    places: dict[str, Given] = {}
    if kinds == ["events"]:
        places = {"bad": node["events"][keys["errors"]], "total": node["events"][keys["total"]]}
    elif kinds == ["raw"]:
        places = {"error_ratio": node["raw"][keys["raw"] if keys["raw"] in node["raw"] else "errorRatioQuery"]}
    if not places or any(place.value is None for place in places.values()):
        node.refuse("an SLI has either events, which are two queries, or raw, which is one")
        return None
    found = {key: _query(place, plugins=plugins) for key, place in places.items()}
    entry, inner = Mapping(), Mapping()
    for key, made in found.items():
        inner.put(key, made, places[key])
    entry.put("ratio" if kinds == ["events"] else "raw", inner, node[kinds[0]])
    if len(inner.entries) < len(places):
        return None
    texts = [(places[key], made.text) for key, made in found.items() if made is not None]
    return Sli(entry, group_by(texts, "Sloth", series=True))


def _query(node: Given, *, plugins: bool) -> Query | None:
    """One query; None where it is told that no definition can have it."""
    text = _WINDOW.sub(WINDOW, node.text())
    if _UNKNOWN.search(text):
        node.refuse("Sloth knows {{.window}} and no other value", "write the text itself")
        return None
    if "{{" in text:
        node.lose("Sloth evaluates a Go template for each window; what is more than {{.window}} cannot be imported")
        return None
    fault = parse(with_window(text))
    if plugins and isinstance(fault, Fault):
        node.lose(f"{fault.message}: this is no PromQL, which is all that Tocsin's rules may have")
        return None
    if not is_windowed(text):
        node.refuse("there is no {{.window}} in it", "Sloth wants it in each query")
    elif sum(token.text == STAND_IN for token in lex(with_window(text)).tokens) < tidy(text).count(WINDOW):
        node.lose("its window is part of a name or a text; those of Tocsin's rules are others, so nothing may be there")
        return None
    return query(node, text)
