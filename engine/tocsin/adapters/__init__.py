"""The world: files, promtool, the Prometheus HTTP API, the database."""
