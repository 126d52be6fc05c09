"""YAML text to Documents: JSON values with a span for every key and value, also inside block scalars."""

from tocsin.document.comments import Comment, comments, promql_comments
from tocsin.document.compose import read_documents
from tocsin.document.foreign import read_foreign
from tocsin.document.hidden import shown_texts
from tocsin.document.model import Document, Graft, Json, Path

__all__ = [
    "Comment",
    "Document",
    "Graft",
    "Json",
    "Path",
    "comments",
    "promql_comments",
    "read_documents",
    "read_foreign",
    "shown_texts",
]
