# One word a target. `make app` and `make test` set up first whatever is missing; everything lives in .venv.
# Tools run as `python -m`, so that the tree may be moved or copied together with its .venv.

PYTHON := .venv/bin/python
PORT ?= 8501
HOST ?= 127.0.0.1
ARGS ?=
PYTHON_FILES := musicdemo training tests scripts $(wildcard app.py)

.DEFAULT_GOAL := help
.PHONY: help setup app test check format bench train clean

help:
	@echo 'make app      open the studio in your browser           (PORT=8501 HOST=127.0.0.1)'
	@echo 'make test     run every test                            (ARGS="tests/test_score.py -x")'
	@echo 'make check    formatting, lint and types'
	@echo 'make format   rewrite files in the house format'
	@echo 'make bench    measure speed on this machine'
	@echo 'make train    train a model                             (ARGS="--help")'
	@echo 'make setup    only prepare .venv and the system packages'
	@echo 'make clean    remove caches; `make clean ARGS=all` also removes .venv'

setup:
	@bash scripts/setup.sh

app: setup
	@echo "musicdemo: http://localhost:$(PORT) (Ctrl+C stops it)"
	@exec $(PYTHON) -m streamlit run app.py --server.port $(PORT) --server.address $(HOST) $(ARGS)

test: setup
	@$(PYTHON) -m pytest $(ARGS)

check: setup
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m mypy $(PYTHON_FILES)

format: setup
	@$(PYTHON) -m ruff check --fix-only --quiet .
	@$(PYTHON) -m ruff format .

bench: setup
	@$(PYTHON) -m pip install --quiet -r requirements-bench.txt
	@OMP_NUM_THREADS=1 $(PYTHON) -m scripts.bench $(ARGS)

train: setup
	@$(PYTHON) -m training.train $(ARGS)

clean:
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis test-results
	@find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
ifeq ($(ARGS),all)
	@rm -rf .venv
endif
