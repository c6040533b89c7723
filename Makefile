# Everything a person needs starts here: `make demo`, `make test`. Nothing but Python (3.11 or 3.12) and make is asked for.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
# tests at once: most of their time is waiting for processes
JOBS   ?= 4
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Python keeps what it compiled, whatever the caller's environment says: the tests start hundreds of processes of ours
export PYTHONDONTWRITEBYTECODE :=
export XDG_RUNTIME_DIR ?= $(CURDIR)/.run

.PHONY: demo test check soak soak-processes mutants bench screenshots lock clean
.DEFAULT_GOAL := help

help:  ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) not found; run 'make PYTHON=python3.12 …'" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

# The project itself is installed editable: pip refuses hashes on editables, so its build tools come from the pinned file first.
$(VENV)/.runtime: requirements.txt pyproject.toml | $(BIN)/python
	$(BIN)/pip install -q --require-hashes -r requirements.txt
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	@touch $@

# The local CRMs of `make demo` need a library that production does without: the extra [sandbox].
$(VENV)/.sandbox: requirements-sandbox.txt $(VENV)/.runtime | $(BIN)/python
	$(BIN)/pip install -q --require-hashes -r requirements-sandbox.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.sandbox | $(BIN)/python
	$(BIN)/pip install -q --require-hashes -r requirements-dev.txt
	@touch $@

# The generator of the client that the tests use wants an older typer than we do, so it has an environment of its own.
$(VENV)/.generator: requirements-generator.txt | $(BIN)/python
	$(PYTHON) -m venv $(VENV)/generator
	$(VENV)/generator/bin/pip install -q --require-hashes -r requirements-generator.txt
	@touch $@

.run:
	@mkdir -p -m 700 .run

demo: $(VENV)/.sandbox  ## the whole story on a local Salesforce and a local HubSpot, printed
	$(BIN)/sync-worker demo

check: $(VENV)/.dev  ## format, lint, types, import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/sync-worker mappings lint
	$(BIN)/sync-worker mappings test

test: check $(VENV)/.generator | .run  ## make check and every test; starts its own Redis and PostgreSQL
	$(BIN)/pytest -n $(JOBS) --dist worksteal

soak: $(VENV)/.dev | .run  ## N seeds of the simulation (N=1000), with a table of what befell them; and a crash at every point
	$(BIN)/python -m tests.simulation --soak $(or $(N),1000) --jobs $(JOBS)
	$(BIN)/python -m tests.crashes --every
	$(BIN)/python -m tests.crashes --database postgresql

soak-processes: $(VENV)/.dev | .run  ## real processes, killed and stopped for MINUTES (10), on both CRMs; ARGS="--seed 8 --crm hubspot"
	$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),10) $(ARGS)

mutants: $(VENV)/.dev | .run  ## bugs planted in our own code: the simulation must notice each of them; ARGS="--only fence"
	$(BIN)/python -m tests.simulation.mutants $(ARGS)

bench: $(VENV)/.dev | .run  ## measures on both databases; writes benchmarks/results/*.json; ARGS=--profile, --million, --help
	$(BIN)/python -m benchmarks $(ARGS)
	$(if $(ARGS),,$(BIN)/python -m benchmarks.webhooks --out benchmarks/results/webhooks.json)
	$(if $(ARGS),,$(BIN)/python -m benchmarks.replays --out benchmarks/results/replays.json)
	$(if $(ARGS),,$(BIN)/python -m benchmarks.latency --out benchmarks/results/latency.json)
	$(if $(ARGS),,$(BIN)/python -m benchmarks.associations --out benchmarks/results/associations.json)
	$(if $(ARGS),,$(BIN)/python -m benchmarks.pipeline --out benchmarks/results/pipeline.json)
	$(if $(ARGS),,$(BIN)/python -m benchmarks.console --out benchmarks/results/console.json)
	$(if $(ARGS),,$(BIN)/python -m benchmarks.portals --out benchmarks/results/portals.json)

screenshots: $(VENV)/.dev | .run  ## the pictures of docs/console.md (needs chromium)
	$(BIN)/python -m tests.integration.console.screenshots

lock:  ## new pins (needs uv on PATH); prints no registry address
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
	  pyproject.toml requirements-build.in -o requirements.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
	  pyproject.toml --extra sandbox -c requirements.txt -o requirements-sandbox.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
	  pyproject.toml --extra sandbox --group dev -c requirements-sandbox.txt -o requirements-dev.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
	  requirements-generator.in -o requirements-generator.txt

clean:  ## forget the environment and what runs left behind
	rm -rf $(VENV) .run .pytest_cache .mypy_cache .ruff_cache .hypothesis
