# `make` lists what there is. Needs Python 3.11 or newer (PYTHON=… chooses one) and make; everything else is installed into .venv.
PYTHON ?= $(shell for name in python3.14 python3.13 python3.12 python3.11 python3; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done || echo python3)
PY := .venv/bin/python
MANAGE := $(PY) manage.py
DEMO ?= 1

.DEFAULT_GOAL := help
.PHONY: help run install install-dev test lint format types lock requirements bench simulate chaos axe walks screenshots messages clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: ## Make .venv with what running needs
	@$(PYTHON) deploy/install.py base

install-dev: ## Make .venv with what tests and checks need too
	@$(PYTHON) deploy/install.py dev

run: install ## Start Watchbell (DEMO=0: without the demo organisation; PORT, DATABASE_URL …: docs/operations/environment.md)
	@$(if $(filter-out 0,$(DEMO)),ORGANISATION_NAME="$${ORGANISATION_NAME:-Brightquay Operations}") \
	EMAIL_URL="$${EMAIL_URL:-filemail:}" exec $(MANAGE) up --prepare $(if $(filter-out 0,$(DEMO)),--demo)

test: install-dev ## Every check and every test
	@$(PY) deploy/check.py

lint: install-dev ## The checks without the tests
	@$(PY) deploy/check.py --only-checks

format: install-dev ## Format the code
	@$(PY) -m ruff check --fix --quiet . ; $(PY) -m ruff format .

types: install-dev ## mypy --strict
	@$(PY) -m mypy

lock: install-dev ## Write requirements/*.txt again from requirements/*.in
	@$(PY) deploy/lock.py

requirements: install-dev ## Which of R001…R338 are shown, and by which tests (run the tests first)
	@$(PY) deploy/requirements_table.py

bench: install-dev ## Figures: ingest and escalation lateness, beside a bare Django view
	@$(PY) -m benchmarks

simulate: install-dev ## Stories with seeded faults on a virtual clock (SEEDS=1000; SEED=7 tells one again; JOBS, FROM, KEEP, DATABASE_URL)
	@SEEDS="$(SEEDS)" FROM="$(FROM)" SEED="$(SEED)" KEEP="$(KEEP)" JOBS="$(JOBS)" $(PY) -m tests.simulation

chaos: install-dev ## Random faults upon real processes: kill, freeze, database, mail, disk (ROUNDS=10; SEED=7 the same again; ALERTS, TEST_DATABASE_URL)
	@ROUNDS="$(ROUNDS)" SEED="$(SEED)" ALERTS="$(ALERTS)" $(PY) -m tests.chaos

axe: install-dev ## Every page in every size and scheme: accessibility, console, width; pictures in build/screenshots
	@AXE=all SCREENSHOTS=1 $(PY) -m pytest -q -p no:cacheprovider tests/browser/test_axe.py tests/browser/test_axe_incidents.py

walks: install-dev ## Each role's work from the sign-in page, in every size and scheme; pictures in build/walks
	@AXE=all $(PY) -m pytest -q -p no:cacheprovider tests/browser/test_walks.py

screenshots: install-dev ## Draw the pages again for the documentation
	@$(PY) deploy/screenshots.py

messages: install-dev ## Collect translatable texts and compile translations
	@$(MANAGE) makemessages --all --no-obsolete --no-location --ignore=.venv --ignore=build --ignore=data
	@$(MANAGE) makemessages --all --no-obsolete --no-location --domain djangojs --ignore=.venv --ignore=build --ignore=data --ignore=static/vendor
	@$(MANAGE) compilemessages --ignore=.venv

clean: ## Remove what tests and builds leave (not data, not .venv)
	@rm -rf build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
