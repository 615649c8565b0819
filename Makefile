# make demo    set up .venv here and compare stock with lean on Merimbula lake
# make test    set up .venv here and run the tests
# make nightly measure, add to benchmarks/history/, write its report.html and
#              compare with benchmarks/baseline.json: half an hour at most
# make huge    a dam break of 100 million triangles under 16 GiB, and what stock
#              would need for it: ten minutes
# make clean   remove what make has made
#
# Needs Python 3.10 to 3.13 with venv and headers, gcc and make; all else comes
# from PyPI.  What is set up stays until a source of it changes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := pyproject.toml meson.build README.md LICENSE anuga_lean.pth \
	$(shell find anuga_lean -type f ! -path '*/__pycache__/*' ! -name '*.so')

.PHONY: demo test nightly huge clean
.DELETE_ON_ERROR:

# 172,560 triangles, twice on each: enough for the figures of a real model.
demo: $(BIN)/.installed
	$(BIN)/anuga_lean compare merimbula --refine 2 --repeat 2

test: $(BIN)/.installed
	$(BIN)/pytest -q -n 2 --dist worksteal

nightly: $(BIN)/.installed
	$(BIN)/python benchmarks/nightly.py

huge: $(BIN)/.installed
	$(BIN)/python benchmarks/huge.py

$(BIN)/.created:
	$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14) and "anuga_lean needs Python 3.10 to 3.13, $(PYTHON) is %d.%d: type make PYTHON=python3.11" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(BIN)/.installed: $(BIN)/.created $(SOURCES)
	$(BIN)/pip install --quiet --disable-pip-version-check '.[test]'
	touch $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .hypothesis .ruff_cache
