# Everything is a plain command in .venv; this file says which. `make help` lists the targets.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/uv pip install -q --require-hashes --compile-bytecode --python $(BIN)/python \
	-c requirements.lock -r pyproject.toml --group embedded
LOCKED := requirements.lock pyproject.toml

# A language model from a file needs one more package.
ifneq ($(LLM_GGUF),)
INSTALLED := .venv/installed-gguf
else
INSTALLED := .venv/installed
endif

# What a person typed, as one word of the shell: neither make nor the shell looks into it.
typed = '$(subst ','\'',$(value $(1)))'

.DEFAULT_GOAL := help
.PHONY: help run ask upload chromium test partitions check lint types imports deps fix fault corpus soak abuse traces rights bench docs lock clean \
	test-containers check-deploy
.DELETE_ON_ERROR:

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(INSTALLED) ## Run everything on this machine; Ctrl-C stops it
	@$(BIN)/python -m deploy.local

ask: .venv/installed ## Ask a question: make ask Q="When does a transfer to another bank arrive?" [SESSION=id]
	@$(if $(value Q),,echo 'usage: make ask Q="your question" [SESSION=id]' >&2; exit 2)
	@$(BIN)/python -m deploy.local.ask $(if $(value SESSION),--session $(call typed,SESSION)) -- $(call typed,Q)

upload: .venv/installed ## Add documents that everybody may be answered from: make upload DIR=folder, or FILES="a.pdf b.md"
	@$(if $(FILES)$(value DIR),,echo 'usage: make upload DIR=folder, or FILES="a.pdf b.md"' >&2; exit 2)
	@$(BIN)/python -m deploy.local.upload $(FILES) $(if $(value DIR),$(call typed,DIR))

# Two at once: much of what tests do is wait for servers.
test: .venv/installed-dev chromium ## All tests, against real servers
	@$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

partitions: .venv/installed-dev ## What is delivered, with four partitions of every stream
	@TEST_BUS_PARTITIONS=4 $(BIN)/pytest tests/e2e tests/fault tests/integration/test_redis_cluster.py

# For the browser tests; where it takes no question, as on a fresh machine of CI, it is installed.
chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
		|| test "$$(id -u)" != 0 || ! command -v apt-get >/dev/null \
		|| { echo "Installing Chromium for the browser tests"; apt-get update -qq; \
		DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >/dev/null; } || true

check: lint types imports deps test ## Every gate: lint, types, imports, deps, test

lint: .venv/installed-dev ## Format and style, and what migrations may do
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/python -m deploy.migrations

types: .venv/installed-dev ## mypy --strict
	@$(BIN)/mypy

imports: .venv/installed-dev ## Which package may import which
	@$(BIN)/lint-imports --no-logo

deps: .venv/installed-dev ## What is imported is declared, what is declared is used
	@$(BIN)/deptry .

fix: .venv/installed-dev ## Mend what can be mended by machine
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format

fault: .venv/installed-dev ## Break everything that can break, check every promise, at most 30 min: make fault [FAULT_SEED=n]
	@$(BIN)/python -m tests.fault
	@$(BIN)/python -m tests.fault.documents

corpus: .venv/installed-dev ## Read 600 files of all formats, made, damaged and shipped with packages, and 24 bombs
	@$(BIN)/python -m tests.corpus

soak: .venv/installed-dev ## All faults in a random mix, and memory watched: make soak MINUTES=n [FAULT_SEED=n]
	@$(BIN)/python -m tests.fault.soak --minutes $(or $(MINUTES),10)

abuse: .venv/installed-dev ## Ask every API for minutes what its document forbids: make abuse [EXAMPLES=n]
	@$(BIN)/python -m tests.abuse --examples $(or $(EXAMPLES),200)

traces: .venv/installed-dev ## Put chats through everything, kill a process, hold each chat to one whole trace: make traces [CHATS=n]
	@$(BIN)/python -m tests.traces --chats $(or $(CHATS),200)

rights: .venv/installed-dev ## Random people, grants, revokes and questions, checked at each step: make rights [STEPS=n]
	@$(BIN)/python -m tests.rights --steps $(or $(STEPS),10000)

test-containers: .venv/installed-deploy ## Build the images, bring docker-compose.yml up, chat; starts a Docker engine where root may
	@$(BIN)/python -m tests.containers

check-deploy: .venv/installed-deploy .venv/installed-cdk ## What is deployed: the image's recipe, the compose file, the stacks, the pipeline
	@$(BIN)/hadolint deploy/Dockerfile
	@$(BIN)/actionlint -shellcheck $(BIN)/shellcheck -pyflakes=
	@$(BIN)/zizmor --offline --quiet --persona=pedantic .github
	@$(BIN)/shellcheck .ci/run $$(git ls-files '*.sh')
	@$(BIN)/pytest tests/containers tests/deploy
	@# By themselves: named beside their folders, pytest leaves them out.
	@$(BIN)/pytest tests/containers/compose_file.py tests/deploy/synthesis*.py

eval: .venv/installed-dev ## Measure how well documents are found: make eval DATA=folder [LIMIT=n] [FOREIGN=folder]
	@$(if $(DATA),,echo 'usage: make eval DATA=folder [LIMIT=n] [FOREIGN=folder]' >&2; exit 2)
	@$(BIN)/python -m tests.eval $(DATA) --compare $(if $(LIMIT),--limit $(LIMIT)) $(if $(FOREIGN),--foreign $(FOREIGN))

bench: .venv/installed-dev ## Compare Eloquent with a monolith under load, and with itself without its guarantees
	@$(BIN)/python -m tests.bench.chat
	@$(BIN)/python -m tests.bench.guarantees

docs: .venv/installed-dev ## Write docs/openapi, docs/asyncapi.json and .env.example anew
	@$(BIN)/python -m deploy.docs

lock: .venv/uv.txt ## Resolve the dependencies of pyproject.toml anew
	@$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --no-annotate \
		pyproject.toml --group embedded --group gguf --group dev --group deploy --group cdk -o requirements.lock

clean: ## Remove .venv and caches; the data in .local stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/installed: $(LOCKED) .venv/uv.txt
	@echo "Installing what is in requirements.lock into .venv"
	@$(INSTALL)
	@touch $@

.venv/installed-gguf: .venv/installed
	@$(INSTALL) --group gguf
	@touch $@

.venv/installed-dev: .venv/installed
	@$(INSTALL) --group dev
	@touch $@

.venv/installed-deploy: .venv/installed-dev
	@$(INSTALL) --group deploy
	@touch $@

.venv/installed-cdk: .venv/installed-dev
	@$(INSTALL) --group cdk
	@touch $@

# uv installs in seconds and checks every hash; its own come from the lock as well.
.venv/uv.txt: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Eloquent needs Python 3.11 or newer as python3; or say which: PYTHON=python3.12 make run" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "Python cannot make a virtual environment; on Debian and Ubuntu install python3-venv" >&2; exit 1; }
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > $@.new
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r $@.new
	@mv $@.new $@
