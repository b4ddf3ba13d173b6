# make demo and make test set everything up themselves; see README.md.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# What is imported is compiled to bytecode at its first import, and kept; pip would take a minute for all there is.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test sweep lint index docs clean

demo: $(READY)
	$(BIN)/scanlab check
	$(BIN)/scanlab show snake zigzag hilbert --grid 8x8
	$(BIN)/scanlab ablate --strategies 'row; hilbert; snake; window[k=2]' --seeds 3 --epochs 8 --out out/demo
	@echo "The report is out/demo/report.html"

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# What is too long for every run: the same randomised tests with many more examples; SCANLAB_SWEEP=0.1 for a tenth.
sweep: $(READY)
	SCANLAB_SWEEP=$${SCANLAB_SWEEP:-1} $(BIN)/python -m pytest -n 2 -m sweep

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

# What is made from the library and the grammar: the index that `scanlab list` reads, and the generated pages.
index: $(READY)
	$(BIN)/python -m scanlab.library_index
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/make_strategies.py
	$(BIN)/python docs/make_kernels.py

# The site, into out/docs; a link that leads nowhere stops it. What it needs is part of the tests' installation.
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet
	@echo "The site is out/docs/index.html"

clean:
	rm -rf $(VENV) out build dist *.egg-info

# Installed anew only when what is to be installed has changed.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "ScanLab needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -e ".[dev]" -c constraints.txt
	touch $@
