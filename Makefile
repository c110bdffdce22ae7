# `make demo` shows what boxkite does, and `make test` runs the tests. Each command installs what it
# needs. `make test PYTHON=python3.13` chooses another interpreter.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
SPREAD := -n auto --dist worksteal
QUICK := -m "not slow" --hypothesis-profile=quick
PROMETHEUS := 2.42 2.53 3.5
comma := ,
empty :=
space := $(empty) $(empty)
SITE := build/site
EXTRAS := cli,flask,objects,report,starlette,zstd

# Tests start many interpreters. Without bytecode, each of them would compile every module again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo demo-serve test test-all test-rules test-lowest check lint types docs site format clean

help:
	@echo "make demo         train, serve, scrape, and get an alert, on real flights (less than three minutes)"
	@echo "make demo-serve   start the same service, print its addresses and leave it running"
	@echo "make test         run the tests, except slow ones"
	@echo "make test-all     run all tests"
	@echo "make test-rules   run the tests of the rules with Prometheus $(PROMETHEUS), and print a table"
	@echo "make test-lowest  run the tests with the lowest versions of the dependencies"
	@echo "make check        run lint, types and docs"
	@echo "make site         build the documentation site in $(SITE)"
	@echo "make format       format the code"

demo: $(VENV)/demo.installed
	@.ci/debian prometheus prometheus-alertmanager || true
	@cd examples && ../$(BIN)/python -m demo --folder ../.demo

demo-serve: $(VENV)/demo.installed
	@.ci/debian prometheus || true
	@cd examples && ../$(BIN)/python -m demo --folder ../.demo --serve

test: $(VENV)/test.installed
	@.ci/debian chromium prometheus prometheus-alertmanager prometheus-pushgateway || true
	$(PYTEST) $(SPREAD) $(QUICK) $(PYTEST_ARGS)

test-all: $(VENV)/test.installed
	@.ci/debian chromium prometheus prometheus-alertmanager prometheus-pushgateway || true
	$(PYTEST) -n auto --dist loadgroup $(PYTEST_ARGS)

test-rules: $(VENV)/test.installed
	@.ci/debian prometheus || true
	@.ci/prometheus $(PROMETHEUS) || true
	$(PYTEST) $(SPREAD) tests/prometheus --prometheus $(subst $(space),$(comma),$(PROMETHEUS)) \
	  -k "rule" $(PYTEST_ARGS)

test-lowest: .venv-lowest/lowest.installed
	.venv-lowest/bin/python -m pytest $(SPREAD) $(QUICK) $(PYTEST_ARGS)

check: lint types docs

lint: $(VENV)/check.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/check.installed
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

docs: $(VENV)/test.installed
	$(PYTEST) tests/docs

site: $(VENV)/docs.installed
	$(BIN)/sphinx-build -q --fail-on-warning --keep-going --fresh-env docs $(SITE)
	@echo "open $(SITE)/index.html"

format: $(VENV)/check.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv .venv-* .demo .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/pip:
	@.ci/venv $(PYTHON) $(VENV)

$(VENV)/%.installed: pyproject.toml | $(VENV)/bin/pip
	@echo "installing the packages for $* into $(VENV), which takes about half a minute"
	@.ci/install $(VENV) --editable '.[$(EXTRAS)]' --group $*
	@touch $@

.venv-lowest/lowest.installed: pyproject.toml .ci/lowest
	@.ci/venv $(PYTHON) .venv-lowest
	.venv-lowest/bin/python .ci/lowest pyproject.toml > .venv-lowest/constraints.txt
	@.ci/install .venv-lowest --editable '.[$(EXTRAS)]' --group test --constraint .venv-lowest/constraints.txt
	@touch $@
