# Frontdesk. `make` alone prints what there is to do. Needs Rust, Python 3.11 with venv, and make; all else is fetched and pinned.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.stamp
SHIP := .venv-ship
SHIP_STAMP := $(SHIP)/.stamp
FUNCTIONS := $(notdir $(patsubst %/Cargo.toml,%,$(wildcard functions/*/Cargo.toml)))
ARCHITECTURE ?= arm64
TEMPLATE := $(if $(GRADUAL),template.gradual.yaml,template.yaml)

##@ Try it
.PHONY: run demo demo-models demo-kill demo-redrive
run: $(STAMP) ## Start everything on this machine and stay; settings by name: REVIEW_BUFFER_SECONDS=60 make run
	@$(PY) local/stack.py up
demo: $(STAMP) ## Send a day of orders, messages, chats, deliveries and reviews through it and show what became of each
	@$(PY) local/demo.py $(ARGS)
demo-models: $(STAMP) ## Let the assistant think with each kind of model and show what became of each chat (ARGS="--provider openai")
	@$(PY) local/demo_models.py $(ARGS)
demo-kill: $(STAMP) ## Kill the functions while orders, messages and reviews flow; nobody is texted twice, nobody is lost (ARGS="--rounds 100")
	@$(PY) local/demo_kill.py $(ARGS)
demo-redrive: $(STAMP) ## Set thousands of parked events going, kill the tool in the middle; none is lost, none is done twice (ARGS="--rows 10000")
	@$(PY) local/tool_events.py $(ARGS)

##@ Check it
.PHONY: test fmt lint doc bench fuzz
test: $(STAMP) $(SHIP_STAMP) ## Everything, from formatting to end to end
	@$(PY) local/check.py
lint: $(STAMP) $(SHIP_STAMP) ## Formatting, lints and the template, without changing anything
	@$(PY) local/check.py format template lint
doc: $(STAMP) ## Build the documentation of the code; warnings are errors
	@$(PY) local/check.py docs
fmt: ## Format the code
	cargo fmt --all
bench: ## Cold start, warm cost, memory and size against a function that does nothing (ARGS=--help)
	cargo build --release --locked $(FUNCTIONS:%=--package %)
	cargo build --release --locked --package frontdesk-bench
	cargo run --release --locked --quiet --package frontdesk-bench --bin frontdesk-bench -- $(ARGS)
fuzz: ## Fuzz whatever reads bytes from outside, for a minute each (FUZZ_SECONDS)
	@sh tests/fuzz/run.sh

##@ Ship it
.PHONY: build release deploy
build: ## Build all functions and tools for this machine
	cargo build --workspace --bins
release: $(SHIP_STAMP) ## Build the functions for Lambda (ARCHITECTURE=arm64 or x86_64)
	PATH="$(CURDIR)/$(SHIP)/bin:$$PATH" cargo lambda build --release --locked $(if $(filter arm64,$(ARCHITECTURE)),--arm64,--x86-64) $(FUNCTIONS:%=--package %)
deploy: $(STAMP) $(SHIP_STAMP) ## Build and deploy to AWS, asking for each setting; with TO=production as samconfig.toml has it. GRADUAL=canary
	@$(if $(GRADUAL),$(PY) local/gradual.py $(if $(filter-out canary,$(GRADUAL)),--type $(GRADUAL)) >$(TEMPLATE))
	PATH="$(CURDIR)/$(SHIP)/bin:$$PATH" sam build --template-file $(TEMPLATE) $(if $(filter-out arm64,$(ARCHITECTURE)),--parameter-overrides FunctionArchitecture=$(ARCHITECTURE))
	PATH="$(CURDIR)/$(SHIP)/bin:$$PATH" sam deploy $(if $(TO),--config-env $(TO),--guided) $(ARGS)

##@ Housekeeping
.PHONY: venv venv-ship status logs env stop clean-local help
venv: $(STAMP) ## Make the Python environment of the local stack
venv-ship: $(SHIP_STAMP) ## Make the one with the SAM CLI, cfn-lint and cargo-lambda, of some 800 MB
status: $(STAMP) ## What runs, and where
	@$(PY) local/stack.py status || true
logs: $(STAMP) ## Follow what the functions log
	@$(PY) local/stack.py logs --follow
env: $(STAMP) ## Print what the tool needs to know of the running stack, for a shell to eval
	@$(PY) local/stack.py env
stop: $(STAMP) ## Stop a stack that was started elsewhere
	@$(PY) local/stack.py down
clean-local: $(STAMP) ## Stop the local stack and delete its data
	@$(PY) local/stack.py down
	@$(PY) local/stack.py forget
help: ## Print this
	@awk 'BEGIN { FS = ":.*## "; printf "make TARGET\n" } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z][a-z-]*:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(STAMP): local/requirements.txt
	@$(call environment,$(VENV),$<)
	@touch $@
$(SHIP_STAMP): local/requirements-ship.txt
	@$(call environment,$(SHIP),$<)
	@touch $@

# An empty environment in the first place with what the second names.
define environment
echo "making the Python environment ($1)" >&2; \
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version). Say which: make PYTHON=python3.12 ..." >&2; exit 1; }; \
$(PYTHON) -m venv --clear $1 && $1/bin/python -m pip --quiet --disable-pip-version-check install --requirement $2
endef
