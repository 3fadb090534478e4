# Hỏi Một Cửa: the commands people use. `make run` is all a newcomer needs.
PYTHON := .venv/bin/python

.PHONY: run test train check bench setup

run: train ## start the assistant on http://127.0.0.1:8080
	@$(PYTHON) -m bot run

test: train ## run every test
	@$(PYTHON) -m pytest

train: setup ## train the model unless it is there
	@$(PYTHON) -m nlu train

check: setup ## style, types, content and data
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy
	@$(PYTHON) -m knowledge check
	@$(PYTHON) -m nlu check

bench: train ## measure speed and memory beside stock rasa, then look-ups of dossiers
	@$(PYTHON) -m tests.bench
	@$(PYTHON) -m tests.bench.dossiers

setup: ## build both environments
	@sh deploy/setup.sh
