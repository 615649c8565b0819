# make demo    set up .venv here and compare stock with lean on Merimbula lake
# make test    set up .venv and .venv-4.1.0 here and run the tests on both releases of
#              ANUGA: all of them on 4.2.0, those of PART on 4.1.0
# make nightly measure, add to benchmarks/history/, write its report.html and compare
#              with benchmarks/baseline/: three quarters of an hour at most
# make test-all every test on both releases: an hour and a half at most
# make huge    a dam break of 100 million triangles under 16 GiB, and what stock
#              would need for it: ten minutes
# make clean   remove what make has made
#
# Needs Python 3.10 to 3.13 with venv and headers, gcc and make; all else comes
# from PyPI.  What is set up stays until a source of it changes.
PYTHON ?= python3
# The newest and the oldest release of ANUGA that every change is tested on.
NEWEST := 4.2.0
OLDEST := 4.1.0
VENV := .venv
BIN := $(VENV)/bin
OLD := .venv-$(OLDEST)
OLD_BIN := $(OLD)/bin
WHEELS := build/wheels
SOURCES := pyproject.toml meson.build README.md LICENSE anuga_lean.pth \
	$(shell find anuga_lean -type f ! -path '*/__pycache__/*' ! -name '*.so')
PYTEST := pytest -q -n 2 --dist worksteal

.PHONY: demo test test-all nightly huge clean
.DELETE_ON_ERROR:

# What make test runs on the oldest release: what compares with ANUGA bit by bit, on one thread
# of the best kernels; make test-all runs the rest.
PART := tests/parity tests/property tests/surface tests/unit tests/mpi/test_exchange.py

# 172,560 triangles, twice on each: enough for the figures of a real model.
demo: $(BIN)/.installed
	$(BIN)/anuga_lean compare merimbula --refine 2 --repeat 2

test: $(BIN)/.installed $(OLD_BIN)/.installed
	$(BIN)/$(PYTEST) -m 'not nightly'
	$(OLD_BIN)/$(PYTEST) -m 'not nightly and not other_setting' $(PART)

test-all: $(BIN)/.installed $(OLD_BIN)/.installed
	$(BIN)/$(PYTEST)
	$(OLD_BIN)/$(PYTEST)

nightly: $(BIN)/.installed
	$(BIN)/python benchmarks/nightly.py

huge: $(BIN)/.installed
	$(BIN)/python benchmarks/huge.py

$(BIN)/.created $(OLD_BIN)/.created: %/bin/.created:
	$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14) and "anuga_lean needs Python 3.10 to 3.13, $(PYTHON) is %d.%d: type make PYTHON=python3.11" % sys.version_info[:2])'
	$(PYTHON) -m venv $*
	touch $@

# One wheel for both environments.
$(WHEELS)/.built: $(BIN)/.created $(SOURCES)
	rm -rf $(WHEELS)
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir $(WHEELS) .
	touch $@

# A wheel of the version that is there already is installed by force only.
$(BIN)/.installed: ANUGA := $(NEWEST)
$(OLD_BIN)/.installed: ANUGA := $(OLDEST)
$(BIN)/.installed $(OLD_BIN)/.installed: %/bin/.installed: %/bin/.created $(WHEELS)/.built Makefile
	$*/bin/pip install --quiet --disable-pip-version-check anuga==$(ANUGA) "$$(echo $(WHEELS)/*.whl)[test]"
	$*/bin/pip install --quiet --disable-pip-version-check --force-reinstall --no-deps $(WHEELS)/*.whl
	touch $@

clean:
	rm -rf $(VENV) $(OLD) build dist .pytest_cache .hypothesis .ruff_cache
