# make         these lines
# make demo    set up .venv here and compare stock with lean on Merimbula lake
# make test    set up .venv and .venv-4.1.0 here and run the tests on both releases of
#              ANUGA: all of them on 4.2.0, those of PART on 4.1.0
# make nightly measure, add to benchmarks/history/, write its report.html and compare
#              with benchmarks/baseline/: three quarters of an hour at most; instructions only
#              where valgrind is (apt install valgrind)
# make docs    set up .venv here and make the documentation site in build/docs; warnings are
#              errors, links between pages are checked
# make linkcheck look whether the links of the pages to other hosts lead anywhere
# make pictures run Merimbula lake and draw the pictures of the first page
# make venv    set up .venv here, with the package as the files are now
# make quick   set up .venv here and run tests/unit, tests/property and each model of
#              tests/parity on one thread: ten minutes at most
# make lint    set up .venv-lint here; ruff, codespell and mypy
# make hooks   have git run the quick ones of these at every commit
# make sanitize set up .venv-checked and .venv-sanitized here, whose kernels check what they
#              do, and run tests/unit, tests/property, a part of tests/parity and 500 spoilt
#              input files in them
# make test-all every test on both releases: an hour and a half at most
# make huge    a dam break of 100 million triangles and its checkpoint under 12 GiB, and what
#              stock would need for it: ten minutes; TRIANGLES=200000000 are more, under 22 GiB
# make fuzz    evolve 20,000 forged checkpoints here, and a tenth of them under the sanitizers:
#              half an hour; FORGED=2000 are fewer
# make soak    20,000 steps, 200 domains, 2,000 checkpoints and more on stock and lean: what each
#              leaves behind in bytes, objects and files; a quarter of an hour
# make matrix  a wheel for each Python that is there, through auditwheel into a clean environment:
#              import, compare merimbula, selfcheck, tests/unit and tests/cli; MATRIX="3.12" is one
# make clean   remove what make has made
#
# Needs Python 3.10 or newer with venv and headers, gcc and make; all else comes
# from PyPI.  What is set up stays until a source of it changes.
PYTHON ?= python3
# The newest and the oldest release of ANUGA that every change is tested on.
NEWEST := 4.2.0
OLDEST := 4.1.0
VENV := .venv
BIN := $(VENV)/bin
OLD := .venv-$(OLDEST)
OLD_BIN := $(OLD)/bin
LINT := .venv-lint
CHECKED := .venv-checked
SANITIZED := .venv-sanitized
# What meson is told for a build that checks itself; asserts are on as in every build but a release.
DEBUG := -Dbounds_checks=true -Dbuildtype=debug -Doptimization=1 -Db_ndebug=false
# What an environment is made of.
ANUGA = $(NEWEST)
WHEELS = build/$*
# Other packages than the newest: make quick NUMPY=2.1.0, or by a file of pip's constraints, such as
# make quick ANUGA=4.1.0 CONSTRAINTS=release/oldest.txt
NUMPY ?=
CONSTRAINTS ?=
SOURCES := pyproject.toml meson.build meson.options README.md LICENSE anuga_lean.pth \
	pytest_anuga_lean.py \
	$(shell find anuga_lean -type f ! -path '*/__pycache__/*' ! -name '*.so')
export PIP_DISABLE_PIP_VERSION_CHECK := 1
PYTEST := pytest -q -n 2 --dist worksteal

.PHONY: help matrix demo venv test quick lint hooks sanitize fuzz test-all nightly huge soak \
	docs linkcheck pictures clean
.DELETE_ON_ERROR:

# What make test runs on the oldest release: what compares with ANUGA bit by bit, on one thread
# of the best kernels; make test-all runs the rest.
PART := tests/parity tests/property tests/surface tests/unit tests/mpi/test_exchange.py

# What is run at every push, but for what takes several threads or another instruction set than
# this CPU's best.
QUICK := tests/layout tests/unit tests/property tests/parity

# Of tests/parity in the builds that check what they do: each feature, not each of its variants.
SLICE := 'equals_stock and not (override or patched or converted or DE1 or boundary_ or merimbula)'

# The lines at the top of this file.
help:
	@sed -n '/^#/!q;s/^# \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

# 172,560 triangles, twice on each: enough for the figures of a real model.
demo: $(BIN)/.installed
	$(BIN)/anuga_lean compare merimbula --refine 2 --repeat 2

venv: $(BIN)/.installed

test: $(BIN)/.installed $(OLD_BIN)/.installed
	$(BIN)/$(PYTEST) -m 'not nightly'
	$(OLD_BIN)/$(PYTEST) -m 'not nightly and not other_setting' $(PART)

quick: $(BIN)/.installed
	$(BIN)/$(PYTEST) -m 'not nightly and not other_setting' $(QUICK)

lint: $(LINT)/bin/.installed
	$(LINT)/bin/ruff check --quiet .
	$(LINT)/bin/codespell
	$(LINT)/bin/mypy

hooks: $(LINT)/bin/.installed
	$(LINT)/bin/pre-commit install

# On the kernels of the last instruction set that this CPU has, once with the checks of Cython
# and the asserts of C, once more under AddressSanitizer and UndefinedBehaviorSanitizer.
sanitize: $(CHECKED)/bin/.installed $(SANITIZED)/bin/.installed
	$(CHECKED)/bin/$(PYTEST) -m 'not nightly and not other_setting' tests/unit tests/property
	$(CHECKED)/bin/$(PYTEST) -m 'not nightly and not other_setting' tests/parity -k $(SLICE)
	.ci/sanitized $(SANITIZED)/bin/$(PYTEST) -p no:faulthandler \
		-m 'not nightly and not other_setting and not memory' tests/unit tests/property
	.ci/sanitized $(SANITIZED)/bin/$(PYTEST) -p no:faulthandler \
		-m 'not nightly and not other_setting' tests/parity -k $(SLICE)
	.ci/sanitized $(SANITIZED)/bin/$(PYTEST) -p no:faulthandler -m 'nightly and not memory' tests/fuzz

# Forged sets, of which tests/checkpoint/test_forged_sets.py evolves a few at every push.
FORGED ?= 20000
fuzz: $(BIN)/.installed $(SANITIZED)/bin/.installed
	FORGED=$(FORGED) $(BIN)/pytest -q -m nightly tests/checkpoint/test_forged_sets.py
	FORGED=$$(($(FORGED) / 10)) .ci/sanitized $(SANITIZED)/bin/pytest -q -p no:faulthandler \
		-m nightly tests/checkpoint/test_forged_sets.py

test-all: $(BIN)/.installed $(OLD_BIN)/.installed
	$(BIN)/$(PYTEST)
	$(OLD_BIN)/$(PYTEST)

nightly: $(BIN)/.installed
	$(BIN)/python benchmarks/nightly.py

TRIANGLES ?= 100000000
huge: $(BIN)/.installed
	$(BIN)/python benchmarks/huge.py --triangles $(TRIANGLES)

MATRIX ?=
matrix:
	$(PYTHON) release/wheels.py --quick-tests $(MATRIX)

soak: $(BIN)/.installed
	$(BIN)/python benchmarks/soak.py

docs linkcheck: SPHINX := $(BIN)/sphinx-build -W --keep-going -q -E -d build/doctrees
docs: $(BIN)/.installed
	rm -rf build/docs
	$(SPHINX) docs build/docs

linkcheck: $(BIN)/.installed
	$(SPHINX) -b linkcheck docs build/linkcheck

pictures: $(BIN)/.installed
	$(BIN)/python benchmarks/pictures.py

ENVIRONMENTS := $(VENV) $(OLD) $(LINT) $(CHECKED) $(SANITIZED)

$(ENVIRONMENTS:=/bin/.created): %/bin/.created:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "anuga_lean needs Python 3.10 or newer, $(PYTHON) is %d.%d: type make PYTHON=python3.11" % sys.version_info[:2])'
	$(PYTHON) -m venv $*
	$*/bin/pip install --quiet --upgrade 'pip>=25.1'
	touch $@

# The tools of [dependency-groups] lint in pyproject.toml, at the versions named there.
$(LINT)/bin/.installed: $(LINT)/bin/.created pyproject.toml
	$(LINT)/bin/pip install --quiet --group lint
	touch $@

# A wheel for the environments of both releases, one for each build that checks itself.
build/$(CHECKED)/.built: SETUP := $(DEBUG)
build/$(SANITIZED)/.built: SETUP := $(DEBUG) -Db_sanitize=address,undefined -Db_lundef=false
build/%/.built: %/bin/.created $(SOURCES)
	rm -rf build/$*
	$*/bin/pip wheel --quiet --no-deps $(SETUP:%=--config-settings=setup-args=%) --wheel-dir build/$* .
	touch $@

$(OLD_BIN)/.installed: ANUGA := $(OLDEST)
$(OLD_BIN)/.installed: WHEELS := build/$(VENV)
$(OLD_BIN)/.installed: build/$(VENV)/.built
$(BIN)/.installed $(CHECKED)/bin/.installed $(SANITIZED)/bin/.installed: %/bin/.installed: build/%/.built
# A wheel of the version that is there already is installed by force only.
$(BIN)/.installed $(OLD_BIN)/.installed $(CHECKED)/bin/.installed $(SANITIZED)/bin/.installed: \
		%/bin/.installed: %/bin/.created Makefile
	$*/bin/pip install --quiet anuga==$(ANUGA) $(NUMPY:%=numpy==%) \
		$(CONSTRAINTS:%=--constraint %) "$$(echo $(WHEELS)/*.whl)[test]"
	$*/bin/pip install --quiet --force-reinstall --no-deps $(WHEELS)/*.whl
	touch $@

clean:
	rm -rf $(ENVIRONMENTS) build dist .pytest_cache .hypothesis .ruff_cache .mypy_cache
