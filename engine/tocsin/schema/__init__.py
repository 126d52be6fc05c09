"""Document to Diagnostics, by the JSON Schema of its kind."""

from tocsin.schema.check import check_document

__all__ = ["check_document"]
