# The two commands: `make demo` and `make test`.  README.md has their plain pip and python equivalents.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check -q -c constraints/main.txt
TESTS ?= -m "not slow and not matrix"
WORKERS ?= 2

.PHONY: demo test backend zip clean

demo: $(VENV)/.demo
	$(BIN)/poseloom demo --out out/demo --overwrite

test: $(VENV)/.test
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(TESTS)

# the backend that Blender's panel finds by itself
backend:
	$(PYTHON) build_addon.py --backend

zip:
	$(PYTHON) build_addon.py

clean:
	rm -rf out build dist $(VENV) .venvs

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "Poseloom needs Python 3.11 ($(PYTHON)); name yours with: make PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python pyproject.toml constraints/main.txt
	$(PIP) -e '.[demo]'
	@touch $@

$(VENV)/.test: $(BIN)/python pyproject.toml constraints/main.txt
	$(PIP) -e '.[all,dev]'
	@touch $@
