"""PromQL text: building, escaping, and light parsing."""
