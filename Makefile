# Needs Python 3.11 or newer with venv and pip, and make. Everything else is installed into .venv from the lock files.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
SOURCES := $(shell find src notebooks data reports/reports.toml -type f -not -path '*/.*' -not -name '*.pyc')
JAVA := $(shell command -v java)
CRON := $(shell command -v crontab)
SYSTEMD := $(shell command -v systemd-analyze)
BROWSER := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
AS_ROOT := $(filter 0,$(shell id -u))
SUDO := $(if $(AS_ROOT),,sudo)

.DEFAULT_GOAL := help
.PHONY: help report test slow-test browser-test schedule-test bench bench-reports bench-value study pictures lab lock format clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

report: .venv/.reports ## Build the demo reports, and say where their index is
	@echo "The reports: $(CURDIR)/reports/index.html"

test: .venv/.test ## Check style and types, and run the quick tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/nbstripout --verify notebooks/*.ipynb
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not browser and not slow and not schedule"

slow-test: .venv/.test ## Run the tests that start servers, fork kernels or simulate at length
	$(if $(JAVA),,$(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless)
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "slow and not browser and not schedule"

browser-test: .venv/.test .venv/.reports ## Open the reports in Chromium and check what people see
	$(if $(BROWSER),,$(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core fonts-liberation)
	REPORTS_DIR=$(CURDIR)/reports $(BIN)/python -m pytest -n 2 --dist loadfile -m browser tests/browser

schedule-test: .venv/.test .venv-schedules/.ready ## Let each scheduler's own tool read the files written for it
	$(if $(and $(CRON),$(SYSTEMD)),,$(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends cron systemd)
	$(BIN)/python -m pytest -m schedule tests/reporting/schedules

bench: .venv/.test ## Measure the headline figures against their rivals
	$(BIN)/python -m benchmarks

bench-reports: .venv/.test ## Measure reports against the loop of papermill and nbconvert, and 500 of them for their memory
	$(BIN)/python -m benchmarks --reports --repeats 3
	$(BIN)/python -m benchmarks.flat

bench-value: .venv/.test ## Measure lifetime value against lifetimes and clvkit (ten minutes)
	$(BIN)/python -m benchmarks.lifetime_value.speed

study: .venv/.test ## Simulate: are fits sound, do limits hold, is what was planted found and nothing else? (twenty minutes)
	$(BIN)/python -W ignore -m benchmarks.lifetime_value.stress
	$(BIN)/python -W ignore -m benchmarks.lifetime_value.coverage
	$(BIN)/python -W ignore -m benchmarks.planted --write

pictures: .venv/.test .venv/.reports ## Take the pictures of the gallery and of the README anew
	$(BIN)/python -m docs.pictures

lab: .venv/.core ## Open JupyterLab on the notebooks
	$(BIN)/jupyter lab --notebook-dir=. $(if $(AS_ROOT),--allow-root) notebooks/overview.ipynb

lock: .venv/.test ## Write the lock files anew from pyproject.toml
	$(INSTALL) uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --upgrade --extra build pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --extra build --extra test -c requirements.lock pyproject.toml -o requirements-test.lock

format: .venv/.test ## Format code and notebooks, and strip the notebooks' outputs
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/nbstripout notebooks/*.ipynb

clean: ## Remove the environment and everything that was built
	rm -rf .venv .venv-schedules build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find reports -mindepth 1 -not -name reports.toml -delete

.venv/.core: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(INSTALL) -r requirements.lock
	$(INSTALL) --no-build-isolation --editable .
	@touch $@

.venv/.test: .venv/.core requirements-test.lock
	$(INSTALL) -r requirements-test.lock
	@touch $@

.venv-schedules/.ready: # two environments, for Airflow and Jupyter Scheduler need different versions of one library
	$(PYTHON) -m venv .venv-schedules/tools && .venv-schedules/tools/bin/pip install --quiet uv
	$(PYTHON) -m venv .venv-schedules/airflow
	.venv-schedules/tools/bin/uv pip install --quiet --python .venv-schedules/airflow/bin/python "apache-airflow>=3.0"
	$(PYTHON) -m venv .venv-schedules/others
	.venv-schedules/tools/bin/uv pip install --quiet --python .venv-schedules/others/bin/python check-jsonschema "jupyter-scheduler>=2.10"
	@touch $@

.venv/.reports: .venv/.core $(SOURCES)
	$(BIN)/metrics demo
	@touch $@
