# `make` without a target lists the targets. `make run` takes PORT, EMULATOR_PORT, ERP_PORT, SEED and DATA_DIR
# from the command line or the environment.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# What production installs, and what development does.
RUNTIME_LOCK := requirements.lock
LOCK := requirements-dev.lock
# Additional packages, which only `make bench` needs.
BENCH_READY := .venv/.bench-ready
BENCH_LOCK := benchmarks/requirements.lock
# `make test BROWSER=no` leaves out what needs a browser.
BROWSER ?= yes
export PLAYWRIGHT_BROWSERS_PATH ?= $(CURDIR)/.venv/browsers
# The tools that check deploy/.
DEPLOY_READY := .venv/.deploy-ready
DEPLOY_LOCK := tools/deploy/requirements.lock
COMPILE := $(BIN)/uv pip compile setup.cfg --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-annotate --custom-compile-command "make lock" --quiet
# How many processes run the tests; `auto` is two for each core.
TEST_JOBS ?= auto
# Every test process reads all tests, and starts many others: none of them compiles what another has compiled.
TEST_ENV := PYTHONDONTWRITEBYTECODE=

.DEFAULT_GOAL := help
.PHONY: help setup run demo test browser screenshots panel test-fast storm bench api-version check check-api check-deploy audit matrix openapi release-api format lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Create .venv with every dependency, as locked

# Two steps, since pip cannot install an editable package together with hashes. The second one needs no network:
# the build backend is in the lock. A .venv without pip is what Debian leaves without its package python3-venv.
$(READY): $(LOCK) setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] \
		if sys.version_info < (3, 11) else 0)'
	@echo "Setting up .venv (about a minute the first time) ..."
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input \
		--require-hashes --no-deps -r $(LOCK)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input \
		--no-deps --no-index --no-build-isolation -e .
	@touch $@
	@echo "Setting up .venv: done."

run: $(READY) ## Start the service, the Stripe emulator and a page like an ERP's; Ctrl-C stops all
	@$(BIN)/python -m stripe_bridge_playground run

demo: $(READY) ## Play the main story, from connecting an account to a paid invoice
	@$(BIN)/python -m stripe_bridge_playground demo

test: $(READY) ## Run all tests, on SQLite and PostgreSQL, in process and over Redis
ifeq ($(BROWSER),no)
	@$(TEST_ENV) $(BIN)/python -m pytest -n $(TEST_JOBS) --dist worksteal -q -m "not browser"
	@echo "The tests that need a browser were left out (BROWSER=no)."
else
	@$(TEST_ENV) $(BIN)/python -m pytest -n $(TEST_JOBS) --dist worksteal -q
endif

browser: $(READY) ## Install a browser for the tests: one without windows by apt as root; else, if there is none, into .venv
	@command -v chromium-headless-shell > /dev/null \
		|| { test "$$(id -u)" = 0 && command -v apt-get > /dev/null && apt-get install -y -q chromium-headless-shell; } \
		|| command -v chromium > /dev/null || command -v chromium-browser > /dev/null || command -v google-chrome > /dev/null \
		|| { test "$$(id -u)" = 0 && command -v apt-get > /dev/null && apt-get install -y -q chromium; } \
		|| $(BIN)/python -m playwright install --only-shell chromium

screenshots: $(READY) ## Take the pictures in docs/screenshots anew; needs a browser
	@$(BIN)/python -m tests.browser.screenshots

panel: ## Build the panel's scripts from frontend/; needs Node.js
	@frontend/build

test-fast: $(READY) ## Run the quick tests, which need no server
	@$(TEST_ENV) $(BIN)/python -m pytest -q -m "not slow and not servers"

storm: $(READY) ## Process orders while Stripe fails and processes are killed; SIZE=2000, SEED, STORM=servers, embedded or hosts
	@$(TEST_ENV) $(BIN)/python -m tests.storm

$(BENCH_READY): $(READY) $(BENCH_LOCK)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input \
		--require-hashes --no-deps -r $(BENCH_LOCK)
	@touch $@

bench: $(BENCH_READY) ## Measure the service against its peers and the machine's limit; writes docs/benchmarks
	@$(BIN)/python -m benchmarks $(BENCH)

api-version: $(READY) ## List what would break with another release of the stripe package: CANDIDATE=16.2.0
	@$(BIN)/python -m tests.api_version '$(CANDIDATE)'

check: $(READY) ## Check format, lint, types and import contracts
	@$(BIN)/ruff format --check --quiet . || { echo "Not formatted: run 'make format'."; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache > .venv/contracts.log || { cat .venv/contracts.log; exit 1; }
	@echo "Format, lint, types and import contracts: clean."

check-api: $(READY) ## Check the OpenAPI document with Redocly and Spectral; needs Node.js
	@tools/api/check

# In an environment of their own: they need other versions of what the service needs, too.
$(DEPLOY_READY): $(READY) $(DEPLOY_LOCK)
	@test -x .venv/deploy/bin/python || $(BIN)/python -m venv .venv/deploy
	@.venv/deploy/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
		--require-hashes --no-deps -r $(DEPLOY_LOCK)
	@touch $@

check-deploy: $(DEPLOY_READY) ## Check deploy/: image, compose file, alerts, units, proxies, manifests
	@tools/deploy/check

audit: $(DEPLOY_READY) ## Write a bill of materials (SBOM=sbom.cdx.json) and look for known vulnerabilities
	@.venv/deploy/bin/python tools/deploy/audit

matrix: $(READY) ## Run tests on another version: ROW="python 3.13", "postgresql BIN-FOLDER" or "redis SERVER"
	@$(TEST_ENV) $(BIN)/python -m tests.matrix $(ROW)

openapi: $(READY) ## Rewrite docs/openapi.json and docs/api/problems.md from the code
	@$(BIN)/python -m stripe_bridge --openapi > docs/openapi.json
	@$(BIN)/python -m tests.adapters.web.problems_page

release-api: $(READY) ## Keep docs/openapi.json as this release's, which no later one may break
	@$(BIN)/python -m tests.adapters.web.breaking_changes --keep

format: $(READY) ## Format the code and sort the imports
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

lock: $(READY) ## Rewrite the locks from setup.cfg, keeping the versions that still fit
	@$(COMPILE) --extra test --extra browser --extra dev -o $(LOCK)
	@$(COMPILE) --extra tracing -c $(LOCK) -o $(RUNTIME_LOCK)
	@$(COMPILE) --extra bench -c $(LOCK) -o $(BENCH_LOCK)
	@$(BIN)/uv pip compile tools/deploy/requirements.in --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
		--custom-compile-command "make lock" --quiet -o $(DEPLOY_LOCK)

clean: ## Remove .venv and what tools leave behind (never DATA_DIR)
	@rm -rf .venv tools/api/node_modules frontend/node_modules .bench build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis src/*.egg-info
