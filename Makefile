# make demo   the main job on the embedded devnet: seven chains, no network
# make test   the whole suite, with the real nodes where the machine lets them in
# make test-full lint types format bench fuzz chaos chaos-long constraints clean

PYTHON ?= python3
NPM ?= npm
PYTEST_ARGS ?= -n 4 --dist worksteal

VENV := .venv
BIN := $(VENV)/bin
ORACLES := tests/oracles
PIP_INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-full lint format types bench constraints clean nodes fuzz chaos chaos-long

help:
	@sed -n 's/^# //p' Makefile | sed -n '1,3p'

# A virtual environment of the right age. The marker is written last, so a half-made one is made again.
$(VENV)/.created:
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "$(PYTHON) not found: install Python 3.11 or later, or run make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else "multiwallet needs Python 3.11 or later; $(PYTHON) is %d.%d. Run make PYTHON=python3.11 (or later)." % v[:2])'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments: install its venv package (Debian and Ubuntu: python3-venv)" >&2; exit 1; }
	@[ -x $(BIN)/python ] && $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || $(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.demo: $(VENV)/.created pyproject.toml constraints.txt
	@echo "installing multiwallet with its devnet and command line into $(VENV)"
	@$(PIP_INSTALL) --editable '.[devnet,nodeos,cli]'
	@touch $@

$(VENV)/.dev: $(VENV)/.created pyproject.toml constraints.txt
	@echo "installing multiwallet with everything its tests need into $(VENV)"
	@$(PIP_INSTALL) --editable '.[all,dev]'
	@touch $@ $(VENV)/.demo

# anvil and the JavaScript oracles. Not `npm ci`: it wants every platform's optional anvil package in the lock file,
# and a registry need not hold them all; `install --no-save` keeps to the lock just as well. Without node the tests that need them are skipped with that reason.
$(ORACLES)/node_modules/.installed: $(ORACLES)/package.json $(ORACLES)/package-lock.json
	@if ! command -v node >/dev/null 2>&1 || ! command -v $(NPM) >/dev/null 2>&1; then \
	    echo "node and npm not found: the tests on anvil and against JavaScript libraries will be skipped"; \
	else \
	    echo "installing anvil and the JavaScript oracles into $(ORACLES)/node_modules"; \
	    if (cd $(ORACLES) && $(NPM) install --no-save --ignore-scripts --loglevel=error >/dev/null); then touch $@; \
	    else echo "npm could not install them: the tests on anvil and against JavaScript libraries will be skipped"; fi; \
	fi

.cache/litecoind/.ready: tests/nodes/get-litecoind
	@echo "looking for litecoind, or fetching it into .cache/litecoind"
	@sh tests/nodes/get-litecoind .cache/litecoind && touch $@ || echo "the tests on litecoind will be skipped"

nodes: $(ORACLES)/node_modules/.installed .cache/litecoind/.ready

demo: $(VENV)/.demo
	@if [ -e $(ORACLES)/node_modules/.installed ]; then MULTIWALLET_NODE_MODULES=$(ORACLES)/node_modules; fi; \
	    MULTIWALLET_NODE_MODULES=$$MULTIWALLET_NODE_MODULES $(BIN)/multiwallet demo

test: $(VENV)/.dev nodes
	$(BIN)/python -m pytest $(PYTEST_ARGS)

# What takes minutes, such as ten thousand payments by the command line and a million addresses.
test-full: $(VENV)/.dev nodes
	$(BIN)/python -m pytest -n 2 -m full

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.dev
	$(BIN)/mypy

# Every decoder, for SECONDS together; led by coverage where atheris has a wheel. What fails is kept in .cache/fuzz/.
SECONDS ?= 60
fuzz: $(VENV)/.dev
	@$(BIN)/python -m pip install -qq --disable-pip-version-check 'atheris>=3,<4' 2>/dev/null \
	    || echo "atheris does not install here: mutations of the kept seeds, without coverage"
	$(BIN)/python tests/fuzz/fuzz.py --seconds $(SECONDS)

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

# Payments while processes are killed and nodes misbehave: a minute for all families, or ten thousand payments and five
# hundred kills for each. What came of it: docs/reliability.md.
CHAOS_SEED ?= 1
CHAOS_SECONDS ?= 7200
CHAOS_REPORTS ?= .cache/chaos.json
chaos: $(VENV)/.dev
	$(BIN)/python -m chaos --family all --sends 40 --kills 5 --seconds 80 --processes 3 --tasks 8 --seed $(CHAOS_SEED)

chaos-long: $(VENV)/.dev nodes
	@mkdir -p .cache
	$(BIN)/python -m chaos --family all --sends 10000 --kills 500 --seconds $(CHAOS_SECONDS) --seed $(CHAOS_SEED) --json $(CHAOS_REPORTS)
	$(BIN)/python -m chaos --family ethereum --node anvil --store postgresql --sends 10000 --kills 500 --seconds $(CHAOS_SECONDS) --seed $(CHAOS_SEED) --json $(CHAOS_REPORTS)

# Resolve everything afresh and write the pins down.
constraints:
	@rm -rf .cache/resolve && mkdir -p .cache
	@$(PYTHON) -m venv .cache/resolve
	@.cache/resolve/bin/python -m pip install -qq --disable-pip-version-check '.[all,dev]'
	@{ echo "# The one set of versions that tests and the demo run with. Written by: make constraints"; \
	   .cache/resolve/bin/python -m pip freeze --exclude multiwallet-sdk; } > constraints.txt
	@rm -rf .cache/resolve

clean:
	rm -rf $(VENV) .cache $(ORACLES)/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	find src tests examples benchmarks chaos -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
