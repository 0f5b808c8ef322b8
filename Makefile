# Each target does all of its own set-up. `make demo` to see it, `make test` before you push.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check

.PHONY: help demo test check unit recipes widget bench soak fmt docs screenshots lock clean

help:  ## List the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: .venv/runtime widget  ## See it work: a gateway and a shop that uses it
	@$(BIN)/chatkeep demo --data-dir .demo-data

test: check unit  ## Everything: lint, types, arrows, widget, unit, browser, real servers, wheel

check: .venv/dev widget  ## Lint, types, arrows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd widget && npm run --silent check

unit: .venv/dev widget tests/openapi_lint/node_modules/.installed tests/node/node_modules/.installed  ## All tests
	bash tests/install-servers
	cd widget && npm test --silent
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

recipes: .venv/dev widget tests/node/docusaurus/node_modules/.installed  ## The tests that install too much for every run: Docusaurus
	bash tests/install-servers
	$(BIN)/python -m pytest -m heavy

bench: .venv/dev widget  ## Measure, each figure beside a baseline of the same run
	$(BIN)/python -m bench

soak: .venv/dev widget  ## Half an hour of opening, asking, closing and navigating in a browser
	SOAK_MINUTES=30 $(BIN)/python -m pytest -s tests/browser/test_soak.py

widget: .venv/runtime  ## Build the widget if it is missing or old
	@$(BIN)/python hatch_build.py

fmt: .venv/dev  ## Format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/dev  ## Write the generated reference pages anew
	$(BIN)/python docs/generate.py

screenshots: .venv/dev widget  ## Take the documentation's pictures anew
	$(BIN)/python docs/screenshots.py

lock: .venv/dev  ## Pin all dependencies anew, with hashes and without addresses
	for set in runtime postgres build dev; do \
		$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
			--python-version 3.11 requirements/$$set.in --output-file requirements/$$set.lock; \
	done

clean:  ## Remove what the other targets made
	rm -rf .venv .demo-data widget/node_modules tests/openapi_lint/node_modules tests/node/node_modules tests/node/docusaurus/node_modules tests/node/docusaurus/.docusaurus tests/wordpress src/chatkeep/widget_dist widget/dist dist bench/build test-artifacts

.venv/base:
	@echo "Making a virtual environment in .venv ..."
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/runtime: .venv/base requirements/runtime.lock requirements/build.lock pyproject.toml
	@echo "Installing what the gateway needs ..."
	@$(PIP) --require-hashes -r requirements/build.lock -r requirements/runtime.lock
	@$(BIN)/python hatch_build.py
	@echo "Installing Chatkeep itself ..."
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev: .venv/runtime requirements/dev.lock
	@echo "Installing what the tests need ..."
	@$(PIP) --require-hashes -r requirements/dev.lock
	@touch $@

%/node_modules/.installed: %/package-lock.json
	@echo "Installing the npm packages of $* ..."
	@cd $* && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
