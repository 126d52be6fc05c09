"""The JSON Schemas (draft 2020-12) of the language, one per kind."""
