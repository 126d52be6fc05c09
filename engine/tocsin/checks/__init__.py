"""Checks beyond the schema: what is well formed and still wrong."""
