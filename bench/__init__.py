"""Benchmarks; run all with `make bench`."""
