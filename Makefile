# make demo and make test set everything up themselves; see README.md.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# What is imported is compiled to bytecode at its first import, and kept; pip would take a minute for all there is.
export PYTHONDONTWRITEBYTECODE :=

# What the demo needs and no more, in a fraction of the time; where everything is installed, nothing is left to do.
DEMO := $(VENV)/.demo

.PHONY: demo quick test rest sweep lint index docs clean

demo: $(if $(wildcard $(READY)),$(READY),$(DEMO))
	$(BIN)/scanlab check
	$(BIN)/scanlab show snake zigzag hilbert --grid 8x8
	@echo "Training; the kernels are compiled for this processor first, which takes up to a minute, once"
	$(BIN)/scanlab ablate --strategies 'row; hilbert; snake; window[k=2]' --seeds 3 --epochs 8 --together 3 --out out/demo
	@echo "The report is out/demo/report.html"

TESTS := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test: $(READY)
	$(TESTS)

# The first to be right, in about a minute on two cores (tests/quick.py), and all others.
quick rest: $(READY)
	$(TESTS) --part $@

# What is too long for every run: randomised tests with many more examples, and all of what a few stand for otherwise;
# SCANLAB_SWEEP=0.1 for a tenth of the examples.
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
$(READY): EXTRAS := dev
$(DEMO): EXTRAS := reports
$(READY) $(DEMO): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "ScanLab needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.11 ..."; exit 1; }
	@echo "Installing ScanLab with [$(EXTRAS)] into $(VENV), once; torch alone is some hundred megabytes"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -e ".[$(EXTRAS)]" -c constraints.txt
	@touch $@
