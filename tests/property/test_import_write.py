"""What importers write is read back as it was meant."""

import yaml
from hypothesis import given
from hypothesis import strategies as st

from tocsin.document import read_documents
from tocsin.importers.draft import Entry, Inline, Listing, Mapping, Query
from tocsin.importers.write import scalar, write

TEXTS = st.text(max_size=40) | st.text(alphabet=":#'\"\\-{}[]!&*%@`,? \n\tyYnN0.~é\u2028\x85(=<", max_size=12)


def read_back(text: str) -> str:
    """What a reader must get; halves of surrogate pairs are no text."""
    return "".join("\ufffd" if 0xD800 <= ord(c) <= 0xDFFF else c for c in text)


@given(TEXTS)
def test_scalars_are_read_back(text: str) -> None:
    """By our own reader and by one of YAML 1.1, as a key and as a value, without a finding."""
    written = f"a:\n  {scalar(text)}: {scalar(text)}\n"
    (document,), findings = read_documents("a.yaml", written)

    assert (document.value, findings) == ({"a": {read_back(text): read_back(text)}}, ())
    assert yaml.load(written, yaml.CSafeLoader) == document.value


@given(TEXTS, TEXTS, st.lists(st.text(alphabet="#é \t\x07x", max_size=5), max_size=2))
def test_texts_of_several_lines_are_read_back(text: str, other: str, comments: list[str]) -> None:
    """Inside mappings and lists, with comments around them."""
    inner = Mapping([Entry("text", text, above=comments, beside=comments), Entry("other", other, below=comments)])
    root = Mapping([Entry("map", inner), Entry("list", Listing([Entry("", inner, above=comments), Entry("", inner)]))])
    (document,), findings = read_documents("a.yaml", write(root))
    expected = {"text": read_back(text), "other": read_back(other)}

    assert (document.value, findings) == ({"map": expected, "list": [expected, expected]}, ())


@given(st.lists(TEXTS, max_size=3))
def test_short_lists_are_read_back(items: list[str]) -> None:
    """On one line, brackets and commas in quotes."""
    (document,), findings = read_documents("a.yaml", write(Mapping([Entry("a", Inline(items)), Entry("b", "c")])))

    assert (document.value, findings) == ({"a": [read_back(item) for item in items], "b": "c"}, ())


@given(st.text(alphabet="ab(){}[]\"'`#\\ \n\t>0", max_size=30).filter(str.strip))
def test_queries_keep_what_means_something(text: str) -> None:
    """Only blanks at the ends of lines and around all of it may go."""
    (document,), findings = read_documents("a.yaml", write(Mapping([Entry("q", Query(text)), Entry("b", "c")])))
    assert isinstance(document.value, dict)
    got = document.value["q"]

    assert findings == ()
    assert str(got).split() == text.split()
