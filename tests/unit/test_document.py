"""YAML to Documents: values, places, and everything that is refused."""

import time
from itertools import pairwise
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tocsin.diagnostics import Severity, Span
from tocsin.document import Document, Json, Path, read_documents
from tocsin.document.place import Place
from tocsin.document.scalars import resolve

LOADERS = [pytest.param(yaml.CSafeLoader, id="libyaml"), pytest.param(yaml.SafeLoader, id="python")]


def read(text: str) -> Document:
    """The only document of a text without mistakes."""
    documents, findings = read_documents("a.yaml", text)
    assert findings == ()
    (document,) = documents
    return document


def told(text: str, loader: Any = yaml.CSafeLoader) -> list[tuple[str, str]]:
    """Codes with lines and columns."""
    _, findings = read_documents("a.yaml", text, loader)
    return [(finding.code, f"{finding.span.line}:{finding.span.column}") for finding in findings]


def cut(text: str, span: Span) -> str:
    """What stands at a span, counted by hand."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if span.line == span.end_line:
        return lines[span.line - 1][span.column - 1 : span.end_column - 1]
    middle = lines[span.line : span.end_line - 1]
    return "\n".join(
        [lines[span.line - 1][span.column - 1 :], *middle, lines[span.end_line - 1][: span.end_column - 1]]
    )


def paths(value: Json, path: Path = ()) -> list[tuple[Path, Json]]:
    """Every path of a value, with what is there."""
    found: list[tuple[Path, Json]] = [(path, value)]
    if isinstance(value, dict):
        for key, part in value.items():
            found += paths(part, (*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            found += paths(part, (*path, index))
    return found


class TestPlaces:
    """Where values and keys stand."""

    TEXT = "kind: Service\nslos:\n  uptime:\n    page: [email, slack]\n    target: 99.9%\n  # the end\n\nname: x\n"

    @pytest.mark.parametrize(
        ("path", "value", "key"),
        [
            (("kind",), "Service", "kind"),
            (("slos", "uptime", "page"), "[email, slack]", "page"),
            (("slos", "uptime", "page", 1), "slack", "slack"),
            (("slos", "uptime", "target"), "99.9%", "target"),
            (("slos", "uptime"), "page: [email, slack]\n    target: 99.9%", "uptime"),
            (("slos", "uptime", "nowhere", 3), "page: [email, slack]\n    target: 99.9%", "uptime"),
        ],
    )
    def test_of_values_and_keys(self, path: Path, value: str, key: str) -> None:
        """A value ends where it ends, not where the next one starts; a path that leads nowhere means its ancestor."""
        document = read(self.TEXT)

        assert (value, key) == (cut(self.TEXT, document.span(path)), cut(self.TEXT, document.key_span(path)))

    def test_of_the_whole_document(self) -> None:
        """The key of a document is its first key, so that a finding about all of it points at one word."""
        document = read(self.TEXT)

        assert ("kind", self.TEXT.rstrip()) == (cut(self.TEXT, document.key_span(())), cut(self.TEXT, document.span()))

    def test_columns_count_code_points(self) -> None:
        """An emoji before a value is one column, as in Python and unlike UTF-8 or UTF-16."""
        document = read('a: {"\U0001f600é": "\U0001f600", b: 1}\n')

        assert str(document.span(("a", "b"))) == "a.yaml:1:19"

    @pytest.mark.parametrize("loader", LOADERS)
    @pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
    def test_line_ends_and_a_byte_order_mark_move_nothing(self, newline: str, loader: Any) -> None:
        """Lines end as the file's editor ends them, and a byte order mark has no column."""
        text = "\ufeff" + self.TEXT.replace("\n", newline)

        (document,), _ = read_documents("a.yaml", text, loader)

        assert (
            document.span(("slos", "uptime", "target")).line,
            document.span(("slos", "uptime", "target")).column,
        ) == (5, 13)
        assert read(self.TEXT).value == document.value


class TestStreams:
    """Files with no, one or many documents."""

    @pytest.mark.parametrize("text", ["", "\n", "  \n\n", "# nothing\n", "---\n", "---\n---\n# x\n---", "\ufeff"])
    def test_nothing_is_no_document(self, text: str) -> None:
        """A file or document without a value is left out and is no mistake."""
        assert read_documents("a.yaml", text) == ((), ())

    def test_documents_know_their_place(self) -> None:
        """The index counts what stands between `---`, empty documents included."""
        documents, _ = read_documents("a.yaml", "a: 1\n---\n---\nb: 2\n")

        assert [(d.index, d.value, d.span().line) for d in documents] == [(0, {"a": 1}, 1), (2, {"b": 2}, 4)]

    def test_reading_goes_on_after_a_syntax_error(self) -> None:
        """Each document of a file gets its finding, and the good ones are read."""
        text = "a: [1\n---\nb: 'x\n---\nc: 1\n d: 2\n---\n\te: 1\n---\nf: ok\n"
        documents, findings = read_documents("a.yaml", text)

        assert [document.value for document in documents] == [{"f": "ok"}]
        assert [(f.span.line, f.span.column) for f in findings] == [(2, 1), (3, 4), (6, 3), (8, 1)]
        assert {"yaml/syntax"} == {finding.code for finding in findings}


class TestScalars:
    """What plain scalars mean."""

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            *[(text, None) for text in ("", "~", "null", "Null")],
            *[(text, True) for text in ("true", "True", "TRUE")],
            ("false", False), ("0", 0), ("-12", -12), ("+5", 5), ("9223372036854775807", 2**63 - 1),
            ("0.5", 0.5), (".5", 0.5), ("5.", 5.0), ("1e3", 1000.0), ("-1.5E-3", -0.0015), ("99.95", 99.95),
            *[(text, text) for text in (
                "99.9%", "5m", "250ms", "12:30", "1:30:00", "2026-11-01", "2026-11-01T02:00", "=", "nullish", "--", "+",
                "1.2.3", "1h30m", "tRUE", "NaN", "Infinity", "10%", "0-5", "1e", ".", "-.", "é",
            )],
        ],
    )  # fmt: skip
    def test_mean_what_json_knows(self, text: str, value: Json) -> None:
        """Only null, true, false and decimal numbers are more than text."""
        (document,), findings = read_documents("a.yaml", f"a: {text}\n")

        assert ({"a": value}, type(value)) == (document.value, type(document.value["a"]))  # type: ignore[index,call-overload]
        assert findings == ()

    @pytest.mark.parametrize("text", ["yes", "No", "on", "OFF", "y", "010", "0o17", "0x1F", "1_000", "0b11", "-07"])
    def test_warn_where_other_tools_read_something_else(self, text: str) -> None:
        """A text that YAML 1.1 takes for a boolean or a number is kept as a text and pointed out."""
        (document,), (finding,) = read_documents("a.yaml", f"a: [{text}, '{text}']\n{text}: b\n")

        assert {"a": [text, text], text: "b"} == document.value
        assert (finding.code, finding.severity, str(finding.span)[7:]) == ("yaml/ambiguous", Severity.WARNING, "1:5")

    @pytest.mark.parametrize(
        "text",
        [
            ".nan",
            ".inf",
            "-.Inf",
            "1e400",
            "9223372036854775808",
            "9" * 5000,
            "0.12345678901234567890",
            "99.99999999999999999",
        ],
    )
    def test_refuse_what_json_has_not(self, text: str) -> None:
        """No number is rounded, overflowed or infinite in silence."""
        (document,), (finding,) = read_documents("a.yaml", f"a: {text}\n")

        assert ("yaml/scalar", Severity.ERROR, frozenset({("a",)})) == (finding.code, finding.severity, document.broken)


REFUSED = [
    ("alias", "a: *x\n", [("yaml/alias", "1:4")]),
    ("anchor", "a: &x 1\n", [("yaml/anchor", "1:4")]),
    ("anchor of itself", "a: &x [*x]\n", [("yaml/anchor", "1:4"), ("yaml/alias", "1:8")]),
    ("anchor and alias as keys", "&x a: 1\n*x : 2\n", [("yaml/anchor", "1:1"), ("yaml/alias", "2:1")]),
    ("merge key", "a:\n  <<: *x\n  b: 1\n", [("yaml/merge-key", "2:3")]),
    ("merge key of a list", "<<: [*x, {}]\n", [("yaml/merge-key", "1:1"), ("yaml/alias", "1:6")]),
    ("duplicate key", "a: 1\nb: 2\na: 3\n'a': 4\n", [("yaml/duplicate-key", "3:1"), ("yaml/duplicate-key", "4:1")]),
    ("tag", "a: !!str 5\nb: !x {}\nc: ! d\n", [("yaml/tag", "1:4"), ("yaml/tag", "2:4"), ("yaml/tag", "3:4")]),
    ("binary", "a: !!binary aGk=\n", [("yaml/tag", "1:4")]),
    ("number as a key", "200: a\n", [("yaml/key", "1:1")]),
    ("null as a key", "~: a\n?\n: b\n", [("yaml/key", "1:1"), ("yaml/key", "2:2")]),
    ("list as a key", "[a, b]: c\nd: 1\n", [("yaml/key", "1:1")]),
    ("control character", "a: x\x07y\nb: \x00\n", [("yaml/character", "1:5"), ("yaml/character", "2:4")]),
    ("line separator", "a: 'x\u2028y'\n", [("yaml/character", "1:6")]),
    ("lone surrogate", "a: \ud800\n", [("yaml/character", "1:4")]),
    ("byte order mark inside", "a: x\ufeff\n", [("yaml/character", "1:5")]),
    ("tab as indentation", "a:\n\tb: 1\n", [("yaml/syntax", "2:1")]),
    ("open list", "a: [1,\nb: 2\n", [("yaml/syntax", "2:5")]),
    ("open quote", 'a: 1\nb: "x\nc: 2\n', [("yaml/syntax", "2:4")]),
    ("two colons", "a: b: c\n", [("yaml/syntax", "1:5")]),
    ("no colon", "a: 1\nhello\nb: 2\n", [("yaml/syntax", "2:1")]),
    ("wrong indentation", "a:\n    b: 1\n  c: 2\n", [("yaml/syntax", "3:3")]),
    ("unknown escape", 'a: "\\d+"\n', [("yaml/syntax", "1:5")]),
    ("reserved sign", "a: @x\n", [("yaml/syntax", "1:4")]),
    ("impossible escape", 'a: "\\U00110000"\n', [("yaml/syntax", "1:7")]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), [pytest.param(*case[1:], id=case[0]) for case in REFUSED])
def test_what_is_refused(text: str, expected: list[tuple[str, str]]) -> None:
    """Each thing that JSON has not gets a finding where it stands."""
    assert expected == told(text)


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("escape", ["\\U00110000", "\\UFFFFFFFF", "\\ud800", "\\uDE00\\uD83D"])
def test_escapes_that_are_no_characters_are_refused(escape: str, loader: Any) -> None:
    """No half of a surrogate pair reaches anything that has to be written again."""
    for text in (f'a: "{escape}"\n', f'"{escape}": a\n'):
        documents, findings = read_documents("a.yaml", text, loader)

        assert len(findings) == 1
        assert all(document.broken and str(document.value).encode() for document in documents)


def test_a_refused_value_breaks_only_itself() -> None:
    """The rest of the document can still be checked; what cannot be trusted is named."""
    (document,), _ = read_documents("a.yaml", "a: {b: *x, c: [1, *y]}\nd: 1\nd: 2\ne: {<<: *x}\n5: f\n")

    assert document.value == {"a": {"b": None, "c": [1, None]}, "d": 1, "e": {}, "5": "f"}
    assert {("a", "b"), ("a", "c", 1), ("d",), ("e", "<<"), ("5",)} == document.broken


def test_a_duplicate_tells_where_the_first_is() -> None:
    """Both places are needed to decide which one goes."""
    _, (finding,) = read_documents("a.yaml", "a: 1\nb: 2\na: 3\n")

    assert finding.message == "the key 'a' is already in line 1"
    assert ((Span("a.yaml", 1, 1, 1, 2), "first here"),) == finding.related


def test_all_mistakes_of_a_document_at_once() -> None:
    """Nobody has to run a check ten times."""
    text = "a: &x [*x]\na: 1\n<<: *x\nb: .nan\n200: c\n? [d]\n: e\nf: !!str g\nh: \x07\n"

    assert told(text) == [
        ("yaml/anchor", "1:4"), ("yaml/alias", "1:8"), ("yaml/duplicate-key", "2:1"), ("yaml/merge-key", "3:1"),
        ("yaml/scalar", "4:4"), ("yaml/key", "5:1"), ("yaml/key", "6:3"), ("yaml/tag", "8:4"),
        ("yaml/character", "9:4"),
    ]  # fmt: skip


BOMBS = {
    "nested lists": "[" * 10_000,
    "nested mappings": "{a: " * 10_000,
    "nested dashes": "- " * 10_000,
    "nested question marks": "? " * 10_000,
    "nested aliases": "".join(f"{b}: &{b} [{f'*{a},' * 9}]\n" for a, b in pairwise("abcdefghi")),
    "many aliases": "a: &a [" + "*a," * 100_000 + "]",
    "many duplicates": "a: 1\n" * 50_000,
    "many syntax errors": "---\n[\n" * 20_000,
    "many open quotes": "a: 'x\n---\n" * 20_000,
    "many control characters": "\x01a" * 100_000,
}  # fmt: skip


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_in_milliseconds(name: str, loader: Any) -> None:
    """Neither the stack nor the time nor the list of findings grows with what an attacker writes."""
    start = time.process_time()
    _, findings = read_documents("a.yaml", BOMBS[name], loader)

    assert time.process_time() - start < (0.3 if loader is yaml.CSafeLoader else 3)
    assert 1 <= len(findings) <= 101


def test_fifty_levels_are_allowed() -> None:
    """The limit is far above any definition; one level more is refused where it opens."""
    assert told("[" * 50 + "]" * 50) == []
    assert told("[" * 51 + "]" * 51) == [("yaml/depth", "1:51")]


INSIDE = {
    "plain": ("a: rate(x[5m])\n", "x[5m]", "1:9", "1:14"),
    "plain over lines": ("a: rate(x)\n   / rate(y)\n", "/ rate", "2:4", "2:10"),
    "plain across a fold": ("a: one\n  two\n", "one two", "1:4", "2:6"),
    "single quotes": ("a: 'it''s x'\n", "x", "1:11", "1:12"),
    "single quotes over lines": ("a: 'x\n\n  y'\n", "\ny", "2:1", "3:4"),
    "double quotes": ('a: "\\t\\u00e9\\U0001F600x"\n', "x", "1:23", "1:24"),
    "an escape itself": ('a: "a\\nb"\n', "\n", "1:6", "1:8"),
    "escaped line break": ('a: "one\\\n   two"\n', "two", "2:4", "2:7"),
    "escaped break and an empty line": ('a: "one\\\n\n   two"\n', "\ntwo", "2:1", "3:7"),
    "literal": ("a: |\n  up\n  == 0\n", "== 0", "3:3", "3:7"),
    "literal with an empty line": ("a: |\n  up\n\n  == 0\n", "== 0", "4:3", "4:7"),
    "literal, deeper line": ("a: |\n  up\n    == 0\n", "== 0", "3:5", "3:9"),
    "literal with comment and chomping": ("a: |-  # why\n  up\n", "up", "2:3", "2:5"),
    "literal with an indicator": ("a: |1\n  up\n", " up", "2:2", "2:5"),
    "literal that keeps the end": ("a: |+\n  up\n\n\nb: 1\n", "\n\n", "2:5", "4:1"),
    "literal below a list": ("- - |\n    up\n", "up", "2:5", "2:7"),
    "folded": ("a: >\n  sum(\n  up)\n", "up", "3:3", "3:5"),
    "folded with an empty line": ("a: >\n  one\n\n  two\n", "two", "4:3", "4:6"),
    "folded, deeper line": ("a: >\n  one\n    two\n  three\n", "three", "4:3", "4:8"),
    "folded, break": ("a: >-\n  one\n  two\n", " ", "2:6", "3:1"),
    "windows": ("a: |\r\n  up\r\n  == 0\r\n", "== 0", "3:3", "3:7"),
    "emoji before": ('a: ["\U0001f600", xyz]\n', "yz", None, None),
}


class TestInside:
    """From characters of a text to places in the file."""

    @pytest.mark.parametrize("loader", LOADERS)
    @pytest.mark.parametrize("name", [name for name in INSIDE if name != "emoji before"])
    def test_characters_are_found_in_every_style(self, name: str, loader: Any) -> None:
        """A finding inside an expression points at the line and column where it is written."""
        text, part, start, end = INSIDE[name]
        (document,), _ = read_documents("a.yaml", text, loader)
        path: Path = ("a",) if isinstance(document.value, dict) else (0, 0)
        value = document.value["a"] if isinstance(document.value, dict) else document.value[0][0]  # type: ignore[index]
        at = str(value).index(part)

        span = document.inside(path, at, at + len(part))

        assert (f"{start}", f"{end}") == (f"{span.line}:{span.column}", f"{span.end_line}:{span.end_column}")

    def test_offsets_outside_are_cut(self) -> None:
        """Whatever a checker says, the place stays inside the scalar."""
        document = read("a: |\n  up\nb: ''\nc: 5\n")

        assert Span("a.yaml", 2, 4, 2, 5) == document.inside(("a",), 1, 2)
        assert document.inside(("a",), 99, 200) == document.inside(("a",), 3, 3)
        assert document.inside(("a",), -5, 1) == document.inside(("a",), 0, 1)
        assert document.span(("b",)) == document.inside(("b",), 0, 9)
        assert document.span(("c",)) == document.inside(("c",), 0, 1)
        assert document.span(()) == document.inside(("nowhere",), 0, 1)


# --- properties --------------------------------------------------------------------------------------------

TEXTS = st.text(
    st.sampled_from(list("ab:- '\"\\\n\t#%|>{}[],&*!?é\U0001f600\xa0\x85\u2028\x07\x00\ufeff")), max_size=12
) | st.text(max_size=8)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
VALUES = st.recursive(
    SCALARS, lambda parts: st.lists(parts, max_size=4) | st.dictionaries(TEXTS, parts, max_size=4), max_leaves=12
)
YAML_ISH = st.lists(
    st.sampled_from([
        "a", "b: ", "c:\n", "\n", "  ", "    ", "- ", "---\n", "...\n", "[", "]", "{", "}", ",", "'", '"', "\\", "\\x4",
        "|\n", ">-\n", "|2+\n", "#", "&a ", "*a", "<<: ", "!!str ", "!", "? ", ": ", "%YAML 1.1\n", "%TAG ! x\n", "\t",
        "\r\n", "\r", "\x00", "\u2028", "\ufeff", "é", "\U0001f600", "~", "yes", "010", ".nan", "1e999", "12:30", "@",
        "`", "%",
    ]) | st.text(max_size=3),
    max_size=40,
).map("".join)  # fmt: skip


@given(YAML_ISH)
@pytest.mark.parametrize("loader", LOADERS)
def test_any_text_gives_documents_and_findings(loader: Any, text: str) -> None:
    """Whatever stands in a file, reading never ends in an exception, and every place is inside the file, in order."""
    documents, findings = read_documents("a.yaml", text, loader)

    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    spans = [finding.span for finding in findings]
    assert sorted(spans) == spans
    for document in documents:
        for path, value in paths(document.value):
            outer = document.span(path)
            spans += [outer, document.key_span(path)]
            for start in range(len(value) if isinstance(value, str) else 0):
                part = document.inside(path, start, start + 1)
                assert (outer.line, outer.column) <= (part.line, part.column)
                kept = str(value)[start] == "\n"  # a block scalar may keep empty lines after its last word
                assert kept or (part.end_line, part.end_column) <= (outer.end_line, outer.end_column)
                spans.append(part)
    for span in spans:
        assert (span.line, span.column) <= (span.end_line, span.end_column)
        assert 1 <= span.column <= len(lines[span.line - 1]) + 1
        assert 1 <= span.end_column <= len(lines[span.end_line - 1]) + 1


@given(YAML_ISH)
def test_libyaml_and_python_read_the_same(text: str) -> None:
    """Without libyaml everything is slower and nothing else: the same values, findings and places."""
    fast, fast_findings = read_documents("a.yaml", text, yaml.CSafeLoader)
    slow, slow_findings = read_documents("a.yaml", text, yaml.SafeLoader)
    if any(finding.code == "yaml/syntax" for finding in (*fast_findings, *slow_findings)):
        return  # they word and place syntax errors differently

    assert [d.value for d in fast] == [d.value for d in slow]
    assert fast_findings == slow_findings
    for one, other in zip(fast, slow, strict=True):
        assert [(p, one.span(p), one.key_span(p)) for p, _ in paths(one.value)] == [
            (p, other.span(p), other.key_span(p)) for p, _ in paths(other.value)
        ]


@given(
    VALUES, st.sampled_from([None, "'", '"', "|", ">"]), st.sampled_from([True, False, None]), st.integers(2, 9),
    st.sampled_from([20, 80]), st.booleans(),
)  # fmt: skip
def test_what_is_dumped_is_read_back(
    value: Json, style: str | None, flow: bool | None, indent: int, width: int, unicode: bool
) -> None:
    """Values survive every style that a writer may choose, and each scalar's own text means the scalar again."""
    dumper = type("Dumper", (_Dumper,), {"style": style})
    unicode = unicode and not any(
        char in repr([value]) for char in ("\\x85", "\\u2028", "\\ufeff")
    )  # PyYAML writes them bare
    quoted = yaml.dump(
        {"value": value}, None, dumper, default_flow_style=flow, indent=indent, width=width, allow_unicode=unicode
    )
    if yaml.load(quoted, yaml.CSafeLoader) != {"value": value}:
        return  # PyYAML's writer breaks some lines at the wrong place
    (document,), findings = read_documents("a.yaml", quoted)

    assert [finding for finding in findings if finding.severity is Severity.ERROR] == []
    assert {"value": value} == document.value
    for path, part in paths(document.value):
        if not isinstance(part, dict | list) and not isinstance(part, str):
            (again,), _ = read_documents("b.yaml", f"- {cut(quoted, document.span(path))}\n")
            assert [part] == again.value
        if isinstance(part, str):
            _assert_characters_are_found(document, path, part, quoted)


def _assert_characters_are_found(document: Document, path: Path, value: str, text: str) -> None:
    """Each character of the value is itself in the file, or an escape, a doubled quote or a folded break."""
    positions = []
    for index, char in enumerate(value):
        span = document.inside(path, index, index + 1)
        positions.append((span.line, span.column))
        seen = cut(text, span)
        assert seen == char or seen.startswith("\\") or seen == "''" or (char in " \n" and seen == "\n"), (char, seen)
    assert sorted(set(positions)) == positions


class _Dumper(yaml.SafeDumper):
    """Writes texts in one style, and without anchors."""

    style: str | None = None

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def text(self, text: str) -> yaml.ScalarNode:
        plain_is_text = resolve(text) == (text, None)
        return self.represent_scalar("tag:yaml.org,2002:str", text, self.style if plain_is_text else self.style or "'")


_Dumper.add_representer(str, _Dumper.text)


@given(
    st.recursive(st.none() | st.text("ab:#'|\n"), lambda inner: st.lists(inner) | st.dictionaries(st.text("kl"), inner))
)
def test_places_are_the_same_after_they_were_packed(value: Any) -> None:
    """A place that is made anew from its numbers stands where the first one stood."""
    document = read_documents("a.yaml", yaml.safe_dump({"value": value}, default_style="'"))[0][0]
    first, again = document.root, document.places.unpacked()

    def told(place: Place) -> object:
        inner = [(step, told(each)) for step, each in place.inner.items()]
        return place.start, place.end, place.key, place.style, inner

    assert first is not again
    assert told(first) == told(again)
