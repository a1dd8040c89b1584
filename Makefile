# Everything runs from .venv, which each target makes when it is missing. Needs Python 3.11 or 3.12,
# make and, the first time, a package registry. `make PYTHON=/path/to/python3.12 install` chooses one.

FITS := 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))'
ifndef PYTHON
PYTHON := $(firstword $(foreach name,python3 python3.12 python3.11,\
	$(shell $(name) -c $(FITS) 2>/dev/null && command -v $(name))))
endif

VENV := .venv
BIN := $(VENV)/bin
# Python compiles what is imported; compiling all of it at once was a third of the time.
INSTALL := $(BIN)/python -m pip --quiet --disable-pip-version-check install --no-compile
INSTALLED := $(VENV)/.installed
INSTALLED_DISTILL := $(VENV)/.installed-distill

.PHONY: install install-distill demo test test-vm lint bench lock clean
.DEFAULT_GOAL := install

install: $(INSTALLED)

# hatchling comes first and from the same lock, so that building fetches nothing of its own.
$(INSTALLED): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "no Python 3.11 or 3.12 found; say: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
# One that an interrupted start left has no pip yet; one with another Python is made anew.
	if $(BIN)/python -c $(FITS) 2>/dev/null; then \
		$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip --upgrade >/dev/null; \
	else "$(PYTHON)" -m venv --clear $(VENV); fi
	$(INSTALL) -c constraints.txt hatchling
	$(INSTALL) -c constraints.txt --no-build-isolation -e '.[dev]'
	@touch $@

install-distill: $(INSTALLED_DISTILL)

$(INSTALLED_DISTILL): $(INSTALLED) constraints-distill.txt
	$(INSTALL) -c constraints.txt -c constraints-distill.txt --no-build-isolation -e '.[distill]'
	@touch $@

demo: install
	$(BIN)/effectcam demo --out demo-out

# One file at a time to each of a few processes, so that what a file prepares is prepared once. Two processes
# more than there are cores: half of what the tests do is to wait for others.
test: install
	$(BIN)/python -m pytest -q --dist loadfile \
		-n $$($(BIN)/python -c 'import os; print(min((os.cpu_count() or 1) + 2, 6))')

# On a guest kernel with a real virtual camera and a real camera driver, emulated: minutes, not seconds.
# Skipped with the reason where QEMU or Debian's kernel packages are missing; .ci/run installs them.
test-vm: install
	$(BIN)/python -m pytest -q tests/vm -rA --durations=0

# The toolkit is checked too, and torch is typed: without it mypy would see less.
lint: install-distill
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

bench: install
	$(BIN)/python -m benchmarks.chain

lock: install
	$(BIN)/python scripts/lock.py

clean:
	rm -rf $(VENV) build dist demo-out .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
