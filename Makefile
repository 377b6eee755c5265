# Everything a person types. Each target does its own set-up: Python 3.11+, make and the package indexes are enough.
# The order of a first `make lab`: .venv → uv inside it → the package (its JavaScript built by hatch_build.py) → JupyterLab.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PY     := $(BIN)/python
UV     := $(BIN)/uv pip install --quiet --python $(PY)
# Beside the environment, for the tests of both kernels; from outside the repository, whose pins are for ipykernel 7.
OLD_IPYKERNEL = $(BIN)/uv --quiet --directory / pip install --python $(CURDIR)/$(PY) --no-deps \
  --target $(CURDIR)/$(VENV)/ipykernel6 "ipykernel>=6.29,<7" "nest-asyncio>=1.6,<2"
NPM    := $(PY) scripts/npm.py
JS     := $(shell find js -name node_modules -prune -o -name '*tests' -prune -o -type f -print 2>/dev/null)
BUILT  := src/nbtrain/ui/static/.stamp
ROOT   := $(if $(filter 0,$(shell id -u)),--allow-root)
# No news and no question about it, no update check: nothing connects anywhere that nobody asked for.
LAB    := --LabApp.news_url=None --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate $(ROOT)
NEWS   := {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}
BENCH  ?=

.DEFAULT_GOAL := help
.PHONY: help lab test check format js soak fuzz mutants pictures bench bench-peers docs build catalog pins clean distclean browser

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile | expand -t 12

lab: $(VENV)/.lab ## open the quickstart in JupyterLab
	$(BIN)/jupyter lab $(LAB) --LabApp.default_url=/lab/tree/notebooks/quickstart.ipynb

test: check js browser ## everything: lint, types, floors, JavaScript, Python, notebooks, browser
ifdef PYTEST
	$(PY) -m pytest $(PYTEST)
else
	$(PY) -m pytest -m "not alone" --numprocesses logical --maxprocesses 4 --dist loadfile
	$(PY) -m pytest -m alone
endif

check: $(VENV)/.test ## the fast half: lint, format, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.test ## mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

js: $(VENV)/.test ## type-check and test the JavaScript
	$(NPM) run check
	$(NPM) test

browser: $(VENV)/.test ## find Chromium or Chrome for the tests, or install one
	$(PY) tests/browser/chromium.py

soak: fuzz ## fuzz, kill 100 runs four times each, and one at every file operation, and compare (ten minutes; SOAK="20 20", then "20 20 20")
	PYTHONPATH=tests $(PY) -m faults.soak $(SOAK)

fuzz: $(VENV)/.test ## read 20 800 mutated files of every format (five minutes; FUZZ="2600 7" for fewer, drawn from 7)
	PYTHONPATH=tests $(PY) -m data.fuzzing.soak $(FUZZ)

mutants: $(VENV)/.test ## plant faults in copies of the code and say which no test sees (MUTANTS=training, MUTANTS="--random 50 --seed 1")
	$(PY) scripts/mutants.py $(MUTANTS)

pictures: browser ## run every state for real and write docs/pictures/*.png
	PYTHONPATH=tests $(PY) scripts/pictures.py

bench: bench-peers browser ## measure, print a table, write JSON (BENCH="--long train" for the long one of a single part)
	PYTHONPATH=tests:. $(PY) -m bench $(BENCH)

bench-peers: $(VENV)/.test ## install what the benchmarks compare with, beside the environment
	$(UV) -e ".[test,bench]"
	PYTHONPATH=. $(PY) -m bench.peers

docs: $(VENV)/.test ## write the reference and the advice from the code, speed from bench/results, formats from tests/formats
	$(BIN)/nbtrain fields --markdown > docs/reference.md
	$(PY) -m nbtrain.advice > docs/advice.md
	PYTHONPATH=. $(PY) -m bench.page > docs/speed.md
	PYTHONPATH=tests $(PY) -m formats.page > docs/formats.md

build: $(VENV)/.test ## sdist and wheel into dist/
	$(BIN)/uv build --quiet --python $(PY) --out-dir dist

catalog: $(VENV)/.test ## measure every model of the installed timm and torchvision (ten minutes)
	$(PY) scripts/make_catalog.py

pins: $(VENV)/.test ## write the installed versions into pyproject.toml
	$(PY) scripts/pins.py

clean: ## remove what was built; the environment stays
	rm -rf dist src/nbtrain/ui/static js/node_modules js/.tests .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	rm -f $(VENV)/.lab $(VENV)/.test

distclean: clean ## remove the environment too
	rm -rf $(VENV)

# A stamp says: installed, with these very requirements and sources. Python code is read in place and needs no stamp.
$(VENV)/.lab: pyproject.toml hatch_build.py $(JS) $(BUILT) | $(VENV)/.uv
	$(UV) -e .
	@mkdir -p $(VENV)/share/jupyter/lab/settings
	@echo '$(NEWS)' > $(VENV)/share/jupyter/lab/settings/overrides.json
	@touch $@

$(VENV)/.test: pyproject.toml hatch_build.py $(JS) $(BUILT) | $(VENV)/.uv
	$(UV) -e ".[test]"
	$(OLD_IPYKERNEL)
	@touch $@

# Missing after `make clean` and in a fresh clone; the install that follows makes it.
$(BUILT):
	@:

# uv reads the pins in pyproject.toml and picks the same torch on every machine; pip does neither.
$(VENV)/.uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "nbtrain needs Python 3.11 or newer; name one: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "'$(PYTHON) -m venv' failed; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(PY) -m pip install --quiet --disable-pip-version-check uv
	@touch $@
