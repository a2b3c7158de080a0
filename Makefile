# Everything sets itself up in .venv; nothing but Python ≥ 3.11 and make is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
DEMO := demo-output
NOTEBOOKS := $(wildcard notebooks/*.ipynb)
PLUGINS := $(wildcard plugins/*)
# One process of tests more than there are processors, for many a test waits; beyond four each costs more than it gains.
WORKERS = $(shell $(PYTHON) -c 'import os; print(min(4, (os.cpu_count() or 1) + 1))')
# The files in which tests can bear the mark "alone"; to look for them in all others takes longer than many a test.
ALONE := 'alone|Contract'
# The tests start some thousand interpreters, which would each compile the package anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help browser demo lab test soak ray-test ray-demo check lint types in-browser notebooks bench screenshots build clean

help:  ## say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 13

$(VENV)/made:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "imagegen_kit needs Python 3.11 or later; say which one with: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --upgrade 'pip>=25.1'
	touch $@

# Modules are compiled as they are used, which most of them never are: for pip to compile them all takes a minute.
$(VENV)/lab: $(VENV)/made pyproject.toml constraints.txt
	$(PIP) install --quiet --no-compile --constraint constraints.txt --editable '.[lab]'
	touch $@

# torch comes first and alone: a build without a GPU's libraries is enough for the tests.
$(VENV)/dev: $(VENV)/lab $(PLUGINS:%=%/pyproject.toml)
	$(PIP) install --quiet --no-compile --constraint constraints.txt torch==2.13.0
	$(PIP) install --quiet --no-compile --constraint constraints.txt --group dev $(PLUGINS:%=--editable %)
	touch $@

# Servers that the tests start as programs; they need not agree with this environment.
$(VENV)/servers/made: $(VENV)/made pyproject.toml constraints-servers.txt
	$(BIN)/python -m venv --without-pip $(VENV)/servers
	$(PIP) --python $(VENV)/servers/bin/python install --quiet --no-compile --constraint constraints-servers.txt \
		--group servers
	touch $@

# Without a Chromium (or the right to install one) the tests in a browser are skipped, and say so; without tesseract
# (7 MB to fetch) those that read text in pictures.
BROWSERS := chromium chromium-browser google-chrome google-chrome-stable
APT := DEBIAN_FRONTEND=noninteractive timeout 600 apt-get -qq -o Acquire::Retries=1 -o Acquire::http::Timeout=30
browser:
	@command -v tesseract >/dev/null || { command -v apt-get >/dev/null && test "$$(id -u)" = 0 \
	&& echo "installing tesseract for the tests of text in pictures" && $(APT) update \
	&& $(APT) install -y --no-install-recommends tesseract-ocr >/dev/null; } \
	|| echo "no tesseract: the tests that read text in pictures are skipped"
	@for b in $(IMAGEGEN_CHROMIUM) $(BROWSERS); do command -v $$b >/dev/null && exit 0; done; \
	if command -v apt-get >/dev/null && test "$$(id -u)" = 0; then echo "installing Chromium for the tests of the panels"; \
	$(APT) update && $(APT) install -y --no-install-recommends chromium fonts-dejavu-core >/dev/null; fi; \
	for b in $(BROWSERS); do command -v $$b >/dev/null && exit 0; done; \
	echo "no Chromium: unless Playwright has one of its own, the tests in a browser are skipped"

demo: $(VENV)/lab  ## run the first notebook for real; leaves it and its pictures in demo-output/
	rm -rf $(DEMO) && mkdir -p $(DEMO)
	IMAGEGEN_STORE=$(CURDIR)/$(DEMO)/imagegen-store $(BIN)/jupyter nbconvert --log-level WARN --to notebook --execute \
		--output-dir $(DEMO) notebooks/01_first_comparison.ipynb
	$(BIN)/imagegen --store $(DEMO)/imagegen-store show first-comparison --by model --by style --save $(DEMO)/pictures
	@echo "The executed notebook is $(DEMO)/01_first_comparison.ipynb, its pictures are in $(DEMO)/pictures."

lab: $(VENV)/lab  ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab --notebook-dir notebooks

# None of the last three measures time, and the tests in a browser mostly wait: two go on at once, each says what it has to say at
# its end. mypy is among them, for nothing else runs while it would run first.
WHOLE := $(if $(filter output-sync,$(.FEATURES)),--output-sync)
test:  ## set up and run every test, the notebooks included
	$(MAKE) --no-print-directory --jobs 2 lint $(VENV)/servers/made browser
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -m 'not alone' --numprocesses $(WORKERS) --dist loadfile \
		--no-loadscope-reorder --ignore=tests/browser
	$(BIN)/python -m pytest -m alone $$(grep -rlE $(ALONE) --include='test_*.py' --exclude-dir=browser tests plugins)
	$(MAKE) --no-print-directory --jobs 2 $(WHOLE) in-browser notebooks types

soak: $(VENV)/dev $(VENV)/servers/made  ## the long fault tests: kills, floods, whole corpora
	IMAGEGEN_SOAK=1 $(BIN)/python -m pytest -m soak -v --durations=0 tests

ray-test: $(VENV)/dev $(VENV)/servers/made  ## faults on Ray clusters: nodes, workers, sessions and storages that go, a full object store
	IMAGEGEN_RAY=1 $(BIN)/python -m pytest -m ray -v --durations=0 tests/engine tests/reliability tests/retrieval tests/scorers \
		plugins/imagegen-kit-diffusers

ray-demo: $(VENV)/dev  ## run the notebook on clusters for real; leaves it in demo-output/
	mkdir -p $(DEMO)
	$(BIN)/jupyter nbconvert --log-level WARN --to notebook --execute --output-dir $(DEMO) notebooks/08_scale_out.ipynb
	@echo "The executed notebook is $(DEMO)/08_scale_out.ipynb."

check: lint types  ## lint, format and types

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev
	$(BIN)/mypy

in-browser: $(VENV)/dev
	$(BIN)/python -m pytest -rs --numprocesses 2 --dist loadfile tests/browser

notebooks: $(VENV)/dev  ## execute the notebooks and compare their outputs
	rm -rf build/notebooks && mkdir -p build/notebooks
	IMAGEGEN_STORE=$(CURDIR)/build/notebooks/imagegen-store $(BIN)/python -m pytest -o addopts="" -q -p no:cacheprovider \
		--nbval --nbval-sanitize-with tests/nbval_sanitize.cfg --nbval-cell-timeout 120 --nbval-current-env $(NOTEBOOKS)

bench: $(VENV)/dev browser  ## measure; ratios against a floor in the same run
	$(BIN)/python -m benchmarks

screenshots: $(VENV)/dev browser  ## take the pictures of the panels that the README shows, in a real JupyterLab
	$(BIN)/python -m docs.screenshots

build: $(VENV)/dev  ## build the wheel and the source distribution
	$(BIN)/python -m build --outdir dist .

clean:  ## remove what the targets above made
	rm -rf $(VENV) $(DEMO) build dist
