# `make help` lists the targets. Everything runs in a virtual environment that is made on first use.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

STACK ?= dev
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: help preview test check pytest lint format types schema engine sandbox sandbox-destroy bench check-pr terraform conformance conformance-apply replaces checkov parts engines lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  STACK=dev|prod names the stack; ARGS='...' goes on to the command (ARGS=--help shows its options)"

preview: $(VENV)/run ## show what a stack would be, judged by the policy pack; no cloud, no CLI (STACK=dev)
	@$(BIN)/python -m preview $(STACK) $(ARGS)

test: check pytest ## lint, type check and all tests, those on the real engine included

check: lint types ## the checks that run nothing

pytest: $(VENV)/dev
	@$(BIN)/python -m sandbox engine || [ "$${CI:-}" != true ] # without an engine its tests are skipped, except in CI
	@$(MAKE) --no-print-directory checkov || [ "$${CI:-}" != true ]
	@$(MAKE) --no-print-directory parts || [ "$${CI:-}" != true ]
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m settings schema --check

format: $(VENV)/dev ## mend what the linter can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/dev
	$(BIN)/mypy

schema: $(VENV)/run ## write the JSON schema of the stack files, and the library's for other languages
	$(BIN)/python -m settings schema
	$(BIN)/python -m plugin.schema

engine: $(VENV)/run ## put a Pulumi CLI in place: the one on PATH, else built from its Go module
	@$(BIN)/python -m sandbox engine

sandbox: $(VENV)/run ## a real `pulumi up` against a stand-in for AWS, policies on (STACK=dev)
	@$(BIN)/python -m sandbox up $(STACK) $(ARGS)

sandbox-destroy: $(VENV)/run ## destroy what `make sandbox` made
	@$(BIN)/python -m sandbox destroy $(STACK) $(ARGS)

check-pr: $(VENV)/dev ## what a pull request is judged by, but the tests: preview STACK against its state, under the policy pack
	@$(BIN)/python -m delivery check --stack $(STACK) --policy-pack policy --unguarded dev --output build/check $(ARGS)

terraform: $(VENV)/run ## write what a stack registers as Terraform JSON (STACK=dev)
	@$(BIN)/python -m terraform export $(STACK) $(ARGS)

conformance: $(VENV)/dev checkov ## have the real AWS provider plan, and Checkov scan, every stack and variant of it
	$(BIN)/python -m pytest tests/terraform --deselect tests/terraform/test_apply.py $(ARGS)

conformance-apply: $(VENV)/dev ## Terraform's apply, second plan and destroy against a simulated AWS; 15 minutes
	TERRAFORM_APPLY=whole $(BIN)/python -m pytest -v tests/terraform/test_apply.py $(ARGS)

replaces: $(VENV)/dev ## ask the real AWS provider what it can't change in place, and write standin/replaces.json anew; 2 minutes
	$(BIN)/python -m tests.terraform.replaces

checkov: $(VENV)-checkov/ready ## install Checkov, into an environment of its own

parts: $(VENV)/dev ## put what the analytics jobs run on in place: Spark's jars, and Java and MariaDB by apt as root
	@$(BIN)/python -m tests.jobs.parts

engines: parts ## have a real Trino read what the jobs publish; gets it first, 900 MB
	@$(BIN)/python -m tests.jobs.trino
	ENGINES=true $(BIN)/python -m pytest -v tests/jobs/test_trino.py tests/jobs/test_engines.py $(ARGS)

bench: $(VENV)/dev ## preview time against bare registration; ARGS=--jobs: the analytics jobs' rows per second
	@$(BIN)/python -m bench $(ARGS)

lock: $(VENV)/dev ## pin again what requirements*.txt bring along
	$(BIN)/pip install --quiet uv
	sed -i '/^[^#]/d' constraints.txt
	$(BIN)/uv pip compile --quiet --no-header --no-annotate requirements-dev.txt | grep -v '^-' >> constraints.txt

$(VENV)-checkov/ready: requirements-checkov.txt | $(VENV)/bin/python
	@echo "Installing Checkov into $(VENV)-checkov (once; about a minute) ..." >&2
	@$(PYTHON) -m venv $(VENV)-checkov
	@$(VENV)-checkov/bin/pip install --quiet --disable-pip-version-check -r requirements-checkov.txt
	@touch $@

clean: ## remove what was made here: environment, caches, build output
	rm -rf $(VENV) $(VENV)-checkov build .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) \
		|| { echo "python3-venv is needed to make $(VENV) (on Debian: apt-get install python3-venv)" >&2; exit 2; }

$(VENV)/run: requirements.txt constraints.txt | $(VENV)/bin/python
	@echo "Installing what the program needs into $(VENV) (once; about a minute) ..." >&2
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/dev: requirements-dev.txt $(VENV)/run
	@echo "Installing what the tests need into $(VENV) (once) ..." >&2
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
