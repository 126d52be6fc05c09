"""YAML text to Documents: JSON values with a span for every key and value, also inside block scalars."""

from tocsin.document.compose import read_documents
from tocsin.document.model import Document, Json, Path

__all__ = ["Document", "Json", "Path", "read_documents"]
