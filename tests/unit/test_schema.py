"""Documents against the schema of their kind: one finding per mistake, with its place, its words and a hint."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import tocsin_schemas
from tocsin.document import Document, read_documents
from tocsin.schema import check_document
from tocsin.schema.explain import explain
from tocsin.schema.judge import validator_for, violation
from tocsin.schema.quick import quick
from tocsin.schema.words import listed
from tocsin.workspace import Source, read_workspace

ROOT = Path(__file__).parents[2]
FILES = sorted([*(ROOT / "rules").glob("*.yaml"), *(ROOT / "examples").rglob("*.yaml")])
SERVICE = "apiVersion: tocsin/v1\nkind: Service\nname: shop\n"
ROUTES = "apiVersion: tocsin/v1\nkind: Notifications\nname: p\nchannels: {c: {apprise: u}}\nroutes:\n"
NOTIFICATIONS = "apiVersion: tocsin/v1\nkind: Notifications\nname: all\nchannels:\n"


def document(text: str) -> Document:
    """The only document of *text*."""
    (found,), _ = read_documents("a.yaml", text)
    return found


def told(text: str) -> list[tuple[str, str, str, str | None]]:
    """Code, place, message and hint of every finding."""
    return [
        (found.code, f"{found.span.line}:{found.span.column}-{found.span.end_column}", found.message, found.hint)
        for found in check_document(document(text))
    ]


DURATION = "expected a duration such as 5m"
KINDS_OF_SLI = list(tocsin_schemas.schema_for("Service")["$defs"]["sli"]["properties"])
OTHERS = listed(kind for kind in KINDS_OF_SLI if kind != "probe")
ONE_OF = f"expected exactly one of {listed(kind for kind in KINDS_OF_SLI if kind != 'with')}"
CASES = {
    "unknown key": (
        SERVICE + "owners: me\n",
        ("schema/unknown-key", "4:1-7", "unknown key 'owners'", "did you mean owner?"),
    ),
    "unknown key without a neighbour": (
        SERVICE + "scrape: {targets: ['a:1'], zzz: 1}\n",
        ("schema/unknown-key", "4:28-31", "unknown key 'zzz'",
         "scrape may have job, path, scheme, interval or timeout"),
    ),
    "missing key": (
        SERVICE + "slos:\n  up: {sli: a}\n",
        ("schema/missing-key", "5:3-5", "target is missing in up", "add target: 99.9%"),
    ),
    "missing key in a list": (
        SERVICE + "tests:\n  - series: [{series: a, values: 1+1x9}]\n    expect: [{at: 1m, alert: A, firing: []}]\n",
        ("schema/missing-key", "5:5-11", "name is missing in item 1 of tests", "add name: a full outage pages"),
    ),
    "missing key of the document": (
        "apiVersion: tocsin/v1\nkind: Service\n",
        ("schema/missing-key", "1:1-11", "name is missing", "add name: be-camera"),
    ),
    "misspelt required key": (
        SERVICE + "slos:\n  up: {sli: a, targt: 99.9%}\n",
        ("schema/unknown-key", "5:16-21", "unknown key 'targt'", "did you mean target?"),
    ),
    "wrong type": (
        SERVICE + "metrics: [a]\n",
        ("schema/type", "4:1-8", "metrics is a list, expected a mapping", None),
    ),
    "text instead of a list": (
        SERVICE + "slos:\n  up: {sli: a, target: 99%, page: email}\n",
        ("schema/type", "5:35-40", "page is 'email', expected a list", "write a list: [email]"),
    ),
    "a line instead of a list": (
        ROUTES + "  - {matchers: severity=critical, to: [c]}\n",
        (
            "schema/type",
            "6:16-33",
            "matchers is 'severity=critical', expected a list",
            "write a list: ['severity=critical']",
        ),
    ),
    "a mapping instead of a list": (
        ROUTES + "  - {to: [c], escalate: {after: 30m, to: [c]}}\n",
        (
            "schema/type",
            "6:15-23",
            "escalate is a mapping, expected a list",
            "write a list, with a dash before each entry",
        ),
    ),
    "several values of one label": (
        ROUTES + "  - {match: {severity: [critical, warning]}, to: [c]}\n",
        (
            "schema/type",
            "6:14-22",
            "severity is a list, expected a text",
            """for several values write a matcher, as in matchers: ['severity=~"critical|warning"']""",
        ),
    ),
    "a key of Alertmanager": (
        ROUTES + "  - {match_re: {severity: a|b}, to: [c]}\n",
        (
            "schema/unknown-key",
            "6:6-14",
            "unknown key 'match_re'",
            """patterns stand in matchers: ['severity=~"critical|warning"']""",
        ),
    ),
    "number instead of a text": (
        SERVICE + "labels: {tier: 1}\n",
        ("schema/type", "4:16-17", "tier is 1, expected a text", 'put it in quotes: "1"'),
    ),
    "text instead of a boolean": (
        SERVICE + "slos:\n  up: {sli: a, target: 99%, no_traffic: {alert: 'no'}}\n",
        ("schema/type", "5:49-53", "alert is 'no', expected true or false", "write false"),
    ),
    "text instead of a number": (
        "apiVersion: tocsin/v1\nkind: Platform\nname: p\nprometheus: {port: '9090'}\n",
        ("schema/type", "4:20-26", "port is '9090', expected a port such as 9090", "remove the quotes"),
    ),
    "nothing": (
        SERVICE + "title:\n",
        ("schema/type", "4:1-6", "title is empty, expected a text", None),
    ),
    "number without a unit": (
        SERVICE + "scrape: {targets: ['a:1'], interval: 15}\n",
        ("schema/type", "4:38-40", f"interval is 15, {DURATION}", None),
    ),
    "pattern": (
        SERVICE + "scrape: {targets: ['a:1'], interval: 15 s}\n",
        ("schema/value", "4:38-42", f"interval is '15 s', {DURATION}", "did you mean 15s?"),
    ),
    "pattern and a line break at the end": (
        SERVICE + "scrape: {targets: ['a:1'], interval: \"15s\\n\"}\n",
        ("schema/value", "4:38-45", f"interval is '15s\\n', {DURATION}", "did you mean 15s?"),
    ),
    "length": (
        SERVICE + "owner: ''\n",
        ("schema/value", "4:8-10", "owner is '', expected some text", None),
    ),
    "choice": (
        SERVICE + "alerts: {A: {expr: up, severity: critcal}}\n",
        ("schema/choice", "4:34-41", "severity is 'critcal', expected critical, warning or info",
         "did you mean critical?"),
    ),
    "name": (
        SERVICE + "slis: {My_Sli: {probe: {up: up}}}\n",
        ("schema/value", "4:8-14", "'My_Sli' is not a name of lower-case letters, digits and dashes such as be-camera",
         "did you mean my-sli?"),
    ),
    "one of several keys, none": (
        SERVICE + "slis: {a: {}}\n",
        ("schema/choice", "4:8-9", f"a is empty, {ONE_OF}", None),
    ),
    "one of several keys, two": (
        SERVICE + "slis: {a: {probe: {up: x}, latency: {histogram: h, within: 1s}}}\n",
        ("schema/choice", "4:28-35", f"a has probe and latency, {ONE_OF}", "keep one of them"),
    ),
    "one of several keys, and an unknown one": (
        SERVICE + "slis: {a: {probe: {up: x}, zzz: 1}}\n",
        ("schema/unknown-key", "4:28-31", "unknown key 'zzz'", f"a may have {OTHERS}"),
    ),
    "repeated item": (
        SERVICE + "slos:\n  up: {sli: a, target: 99%, page: [b, c, b]}\n",
        ("schema/value", "5:42-43", "'b' is already item 1 of page", "remove it"),
    ),
    "key that needs another": (
        NOTIFICATIONS + "  a: {apprise: {default: x, file: y}}\n",
        ("schema/missing-key", "5:17-24", "default stands without env", "add env"),
    ),
    "empty list": (
        SERVICE + "scrape: {targets: []}\n",
        ("schema/value", "4:10-17", "targets has 0 items, expected at least 1", None),
    ),
    "kind": (
        "apiVersion: tocsin/v1\nkind: service\nname: a\n",
        ("schema/kind", "2:7-14",
         "kind is 'service', expected Service, Journey, SLA, Notifications, Platform, Dashboard or SLITemplate",
         "did you mean Service?"),
    ),
    "no kind": (
        "apiVersion: tocsin/v1\nname: a\n",
        ("schema/missing-key", "1:1-11", "kind is missing",
         "add kind: Service, Journey, SLA, Notifications, Platform, Dashboard or SLITemplate"),
    ),
    "misspelt key of the kind": (
        "apiVersion: tocsin/v1\nKind: Service\nname: a\n",
        ("schema/unknown-key", "2:1-5", "unknown key 'Kind'", "did you mean kind?"),
    ),
    "version": (
        "apiVersion: tocsin/v2\nkind: Service\nname: a\n",
        ("schema/api-version", "1:13-22", "apiVersion is 'tocsin/v2', expected tocsin/v1", None),
    ),
    "no document": (
        "- a\n",
        ("schema/type", "1:1-4", "a document is a mapping with apiVersion, kind and name, not a list", None),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_each_mistake_is_told_once(text: str, expected: tuple[str, str, str, str | None]) -> None:
    """What stands there, what is allowed, and how to write it; the place is the key or the value at fault."""
    assert told(text) == [expected]


def test_ten_mistakes_give_ten_findings_in_one_run() -> None:
    """YAML, keys, types, values, units, names and references: everything is told at once, in file order."""
    text = (
        "apiVersion: tocsin/v1\n"
        "kind: Service\n"
        "name: Shop\n"  # 1 not a name
        "scrape: {targets: ['shop:80'], intervall: 15s}\n"  # 2 an unknown key
        "slis:\n"
        "  answers: {ratio: {bad: e, good: g, total: t}}\n"  # 3 bad and good
        "slos:\n"
        "  uptime: {sli: answer, target: 99.9%}\n"  # 4 no such SLI
        "  speed: {sli: answers, window: 30d}\n"  # 5 a missing key
        "  speed: {sli: answers, target: 99%}\n"  # 6 a duplicate key
        "alerts:\n"
        "  Down:\n"
        "    expr: up == 0\n"
        "    for: 5 min\n"  # 7 not a duration
        "    severity: hihg\n"  # 8 not a severity
        "    notify: slack\n"  # 9 not a list
        "  Slow: {expr: up, severity: info, labels: *common}\n"  # 10 an alias
    )

    _, findings = read_workspace([Source("a.yaml", text)])

    assert [(f.code, f"{f.span.line}:{f.span.column}") for f in findings] == [
        ("schema/value", "3:7"),
        ("schema/unknown-key", "4:32"),
        ("sli/events", "6:13"),
        ("reference/unknown-sli", "8:17"),
        ("schema/missing-key", "9:3"),
        ("yaml/duplicate-key", "10:3"),
        ("schema/value", "14:10"),
        ("schema/choice", "15:15"),
        ("schema/type", "16:13"),
        ("yaml/alias", "17:44"),
    ]


def test_thousands_of_unknown_keys_are_a_hundred_findings() -> None:
    """A file that is something else entirely is told so quickly."""
    text = SERVICE + "x" * 1000 + ": 1\n" + "".join(f"namee{number}: 1\n" for number in range(20_000))
    start = time.process_time()

    assert len(told(text)) == 100
    assert time.process_time() - start < 5


def test_what_the_yaml_reader_refused_is_not_told_twice() -> None:
    """An alias, a duplicate, a key that is no text and a missing merge have one finding each, from the reader."""
    text = SERVICE + "title: *x\nlabels: {1: a}\nscrape: {<<: *x}\nowner: a\nowner: b\nmetrics: {b: {type: .nan}}\n"

    assert told(text) == []


class TestSecrets:
    """What may be a secret is in no message, because messages are logged and shown in pull requests."""

    @pytest.mark.parametrize(
        "setting",
        ["123456", "{env: 'hunter2!'}", "{env: A, default: 123456}", "[hunter2]", "{file: '', hunter: 123456}"],
    )
    def test_are_not_shown(self, setting: str) -> None:
        """Only the type of a setting is named."""
        findings = check_document(document(NOTIFICATIONS + f"  a: {{slack: {{token: {setting}, channel: c}}}}\n"))

        assert findings
        assert not [f for f in findings if "hunter2" in f"{f.message}{f.hint}" or "123456" in f"{f.message}{f.hint}"]


class TestAlternatives:
    """Of `anyOf` and `oneOf` the alternative that was probably meant is explained."""

    EITHER: Mapping[str, Any] = {
        "properties": {
            "at": {
                "oneOf": [
                    {"type": "string", "pattern": "^[0-9]+s$", "x-expected": "a duration"},
                    {
                        "type": "object",
                        "properties": {"cron": {"type": "string"}},
                        "required": ["cron"],
                        "additionalProperties": False,
                    },
                ],
                "x-expected": "a duration or {cron: …}",
            },
        },
    }

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("at: 5x\n", "at is '5x', expected a duration"),
            ("at: {crn: x}\n", "unknown key 'crn'"),
            ("at: {cron: 5}\n", "cron is 5, expected a text"),
            ("at: [1]\n", "at is a list, expected a duration or {cron: …}"),
        ],
    )
    def test_are_explained_by_the_nearest(self, text: str, message: str) -> None:
        """Nobody reads that something is not valid under any of the given schemas."""
        source = document(text)
        errors = map(violation, Draft202012Validator(self.EITHER).iter_errors(source.value))

        assert [finding.message for finding in explain(source, errors)] == [message]

    def test_that_overlap_are_told(self) -> None:
        """A value that fits two of `oneOf` is told what it should have been."""
        source = document("5\n")
        schema = {"oneOf": [{"type": "integer"}, {"type": "number"}], "x-expected": "a whole number or a fraction"}
        errors = map(violation, Draft202012Validator(schema).iter_errors(source.value))

        assert [finding.message for finding in explain(source, errors)] == [
            "the document fits more than one alternative, expected a whole number or a fraction"
        ]


# --- the quick answer --------------------------------------------------------------------------------------

DOCUMENTS = [found for file in FILES for found in read_documents(file.name, file.read_text(encoding="utf-8"))[0]]
WORDS = st.sampled_from(["name", "kind", "slos", "target", "5m", "99.9%", "a/b", "", "warning", "x y", "5m\n"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 9999) | st.floats(-9.5, 9.5) | WORDS,
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(WORDS, parts, max_size=3),
    max_leaves=4,
)


def changed(value: Any, data: st.DataObject) -> Any:
    """*value* with one thing in it replaced, removed or added."""
    if isinstance(value, dict) and value and data.draw(st.integers(0, 9)):
        key = data.draw(st.sampled_from(sorted(value)))
        what = data.draw(st.sampled_from(["deeper", "deeper", "deeper", "remove", "add", "rename"]))
        if what == "deeper":
            return {**value, key: changed(value[key], data)}
        rest = {name: part for name, part in value.items() if name != key}
        if what == "remove":
            return rest
        return {
            **(value if what == "add" else rest),
            data.draw(WORDS): data.draw(JSON) if what == "add" else value[key],
        }
    if isinstance(value, list) and value and data.draw(st.integers(0, 9)):
        index = data.draw(st.integers(0, len(value) - 1))
        return [*value[:index], changed(value[index], data), *value[index + data.draw(st.integers(0, 1)) :]]
    return data.draw(JSON)


class TestQuick:
    """The fast answer is used for valid documents, and is never wrong."""

    @pytest.mark.parametrize("kind", tocsin_schemas.KINDS)
    def test_knows_every_keyword_of_our_schemas(self, kind: str) -> None:
        """Every example in the schemas is accepted without jsonschema, so no keyword is unknown to it."""
        schema = tocsin_schemas.schema_for(kind)
        unknown = 0
        for name, part in {**schema.get("$defs", {}), **schema["properties"]}.items():
            accepts = quick({**part, "$defs": schema.get("$defs", {})})
            unknown += sum(not accepts(example) for example in part.get("examples", ()))

            assert not unknown, name

    def test_accepts_our_own_definitions(self) -> None:
        """The platform's rules and the examples are checked by the fast path alone."""
        assert DOCUMENTS
        assert not [
            (found.path, found.index)
            for found in DOCUMENTS
            if not quick(tocsin_schemas.schema_for(found.value["kind"]))(found.value)  # type: ignore[index,call-overload]
        ]

    @given(st.data())
    def test_accepts_only_what_jsonschema_accepts(self, data: st.DataObject) -> None:
        """On definitions that were changed at random, yes means that jsonschema finds nothing."""
        found = data.draw(st.sampled_from(DOCUMENTS))
        value = changed(found.value, data)
        kind: str = found.value["kind"]  # type: ignore[index,call-overload,assignment]
        errors = list(validator_for(kind).iter_errors(value))

        assert quick(tocsin_schemas.schema_for(kind))(value) <= (not errors)

    @given(st.data())
    def test_every_wrong_document_has_a_finding(self, data: st.DataObject) -> None:
        """Whatever jsonschema rejects is told in our words, and nothing else is."""
        found = data.draw(st.sampled_from(DOCUMENTS))
        value = changed(found.value, data)
        kind: str = found.value["kind"]  # type: ignore[index,call-overload,assignment]
        (written,), _ = read_documents("a.json", json.dumps(value, ensure_ascii=False))

        assert bool(check_document(written)) == (not validator_for(kind).is_valid(value))
