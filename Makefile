# The two commands of a newcomer: make demo, make test. Everything else is in README.md.
PYTHON ?= python3
PORT ?= 8000
VAR ?= var
VENV := .venv
BIN := $(VENV)/bin
export CONSOLE_HOME = $(VAR)

.PHONY: demo run test test-faults test-e2e check format bench clean

demo: $(VENV)/.runtime
	@exec $(BIN)/python manage.py up --demo --port $(PORT)

run: $(VENV)/.runtime
	@exec $(BIN)/python manage.py up --port $(PORT)

test: $(VENV)/.develop
	@$(BIN)/python -m tests.suites test

test-faults: $(VENV)/.develop
	@$(BIN)/python -m tests.suites faults

test-e2e: $(VENV)/.develop
	@$(BIN)/python -m tests.suites e2e

check: $(VENV)/.develop
	@$(BIN)/python -m tests.suites check

format: $(VENV)/.develop
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

bench: $(VENV)/.develop
	@$(BIN)/python -m bench

clean:
	@if [ -x $(BIN)/python ] && [ -f $(VENV)/.runtime -o -f $(VENV)/.develop ]; then $(BIN)/python manage.py clean; fi
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 is needed, this is %d.%d: make … PYTHON=python3.11" % sys.version_info[:2] if sys.version_info[:2] != (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.txt | $(BIN)/python
	@echo "installing what the console needs …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.develop: requirements-dev.txt requirements.txt | $(BIN)/python
	@echo "installing what the tests need …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/.runtime
