# Every command here does its own set-up first (ci/setup), and does nothing twice.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test soak check bench mutate parity docs lock coverage clean

ROOT := $(CURDIR)
BIN := $(ROOT)/.venv/bin
export PATH := $(BIN):$(ROOT)/.tools/bin:$(PATH)
export PYTHONDONTWRITEBYTECODE ?= 1

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  \033[1mmake %-10s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Make .venv and find or fetch promtool, prometheus and amtool
	@ci/setup

demo: setup ## Break a simulated platform and watch the page arrive (ONCE=1: stop after the resolve)
	@tocsin demo rules $(if $(ONCE),--once) $(DEMO_FLAGS)

test: setup ## Run all tests (TESTS=path to choose), and tell the ten that took longest
	@python -m pytest -q -n 3 --dist loadgroup --durations 10 $(PYTEST_FLAGS) $(or $(TESTS),)

soak: setup ## Run what is too long for every change: long scenarios, 5,000 examples of each property (an hour)
	@HYPOTHESIS_PROFILE=nightly TOCSIN_PARITY=1000 TOCSIN_PARITY_TIMEOUT=7200 python -m pytest -q -n 2 --dist loadgroup --durations 10 --timeout 7200 -m "soak or hypothesis" $(PYTEST_FLAGS) $(or $(TESTS),)

check: setup ## Lint, format, types, import contracts, docs and rules
	@ruff check .
	@ruff format --check .
	@mypy
	@lint-imports
	@python ci/docs_reference.py --check
	@for workspace in rules examples examples/*.yaml; do tocsin check "$$workspace" || exit 1; done

bench: setup ## Measure compiling, checking and proving (bench/README.md)
	@python -m bench

mutate: setup ## Put one mistake at a time into each rule of rules/, and see that tests notice nine of ten
	@tocsin test rules --mutate --generated --fail-under 90

parity: setup ## Compare rules and evaluator on 10,000 made-up objectives and alerts (EXAMPLES=n)
	@TOCSIN_PARITY=$(or $(EXAMPLES),10000) TOCSIN_PARITY_TIMEOUT=36000 HYPOTHESIS_PROFILE=nightly python -m pytest -q tests/property/test_parity.py

docs: setup ## Write docs/reference from the schemas
	@python ci/docs_reference.py

coverage: setup ## Run all tests and print what they do not reach
	@rm -f .coverage*
	@coverage run -m pytest -q $(PYTEST_FLAGS)
	@coverage combine -q && coverage report

lock: setup ## Resolve ci/requirements.lock anew (needs uv)
	@{ sed -n '1,2p' ci/requirements.lock; uv pip compile -q pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-header; } > ci/requirements.new
	@mv ci/requirements.new ci/requirements.lock

clean: ## Remove everything that was made here
	@rm -rf .venv .tools .demo .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
