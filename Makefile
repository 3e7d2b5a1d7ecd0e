# A fresh machine needs Python 3.11 to 3.14 and make; everything else comes from the lock files.
PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	if $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; then echo $$p; break; fi; done)
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --no-input

VSCODE := editors/vscode
VSIX = dist/missy-lsp-$(shell sed -n 's/^  "version": "\(.*\)",/\1/p' $(VSCODE)/package.json).vsix

.PHONY: help demo test test-editors test-neovim test-emacs test-vscode pictures vsix fuzz soak lint format lock bench docs clean

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Tests write compiled code once instead of compiling it in each process.
export PYTHONDONTWRITEBYTECODE :=
# `make test-editors` and `make lint` run these.
ELSEWHERE := --ignore tests/editors --ignore tests/test_architecture.py --ignore tests/test_documentation.py

demo: $(RUN) ## Ask about a file of this repository through the real language server
	@$(BIN)/missy demo

test: $(DEV) ## Run the tests
	@$(BIN)/python -m pytest -n 3 --dist worksteal $(ELSEWHERE)

test-editors: test-neovim test-emacs test-vscode ## Drive the plugins in real editors

# What can't be installed here is skipped with a sentence; with MISSY_EDITORS=required that is a failure.
SKIP = test $$? = 3 -a "$$MISSY_EDITORS" != required

test-emacs: $(DEV) ## Run the Emacs tests with Eglot, lsp-mode and neither
	@tests/editors/install.sh emacs || { $(SKIP); exit $$?; }; \
	$(BIN)/python -m pytest -q tests/editors/emacs tests/editors/test_configurations.py

test-neovim: $(DEV) ## Drive the plugin in a real Neovim
	@$(BIN)/python -m pytest -q -n 2 tests/editors/neovim

# The editor itself comes from npm, pinned, and is kept below ~/.cache.
test-vscode: $(DEV) ## Drive the extension in a real VS Code
	@tests/editors/install.sh vscode || { $(SKIP); exit $$?; }; \
	$(MAKE) --no-print-directory vsix && node tests/editors/vscode/run.mjs $(VSIX) $(BIN)/missy-lsp $(SCENARIOS)

pictures: $(DEV) vsix ## Take the pictures of the README anew, in a real VS Code
	@node tests/editors/vscode/run.mjs $(VSIX) $(BIN)/missy-lsp pictures
	@cp .artefacts/vscode/pictures/vscode-*.png docs/images/
	@if command -v pngquant >/dev/null; then pngquant --force --ext .png --strip 64 docs/images/vscode-*.png; else \
		echo "pngquant would make the pictures smaller; on Debian: apt install pngquant" >&2; fi

# Needs Node 20 or later with npm.
vsix: $(VSCODE)/node_modules/.package-lock.json ## Build the VS Code extension
	@mkdir -p dist
	@cd $(VSCODE) && npm run --silent check && npm run --silent test && node build.mjs
	@cd $(VSCODE) && node_modules/.bin/vsce package --no-dependencies --out ../../$(VSIX)

$(VSCODE)/node_modules/.package-lock.json: $(VSCODE)/package-lock.json
	@cd $(VSCODE) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

soak: $(DEV) ## Run the tests with every generated case
	@MISSY_SOAK=1 $(BIN)/python -m pytest -n 2 --dist loadfile --timeout 3600 $(ELSEWHERE)

fuzz: $(DEV) ## Mutate recorded sessions for as long as MISSY_FUZZ_CASES says
	@MISSY_SOAK=1 $(BIN)/python -m pytest -q --timeout 3600 tests/server/test_fuzz.py

lint: $(DEV) ## Check style, types and what must not drift
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/test_architecture.py tests/test_documentation.py

format: $(DEV) ## Put the code into the house format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(DEV) ## Write the generated reference pages again
	@$(BIN)/python docs/generate.py

bench: $(DEV) ## Measure against peers in the same run
	@$(BIN)/python -m benchmarks

lock: $(DEV) ## Resolve the dependencies again, with hashes, for every supported Python
	@$(PIP) install uv
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --group build \
		pyproject.toml --output-file requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --group dev \
		--extra bedrock --extra vertex \
		--constraint requirements.lock pyproject.toml --output-file requirements-dev.lock

clean: ## Remove what was set up and built
	rm -rf $(VENV) build dist $(VSCODE)/dist $(VSCODE)/node_modules .artefacts .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12, 3.13 or 3.14 is needed and none was found: install one, then try again." >&2; exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Python's venv module does not work here; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }

$(RUN): requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing what Missy runs on ..."
	@$(PIP) install --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q missy_lsp
	@touch $@

$(DEV): requirements-dev.lock $(RUN)
	@echo "Installing what the tests need ..."
	@$(PIP) install --require-hashes --requirement requirements-dev.lock
	@touch $@
