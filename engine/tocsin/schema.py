"""Document to Diagnostics, by the JSON Schema of its kind."""
