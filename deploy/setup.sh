#!/bin/sh
# Builds both environments in the checkout: .venv (the application, Python >= 3.11) and
# .venv-rasa (Rasa, Python 3.10). Does nothing that is already done.
set -eu
cd "$(dirname "$0")/.."

quiet=--quiet
[ -t 2 ] && quiet= # a terminal is shown the progress

say() { printf '%s\n' "$*" >&2; }

# pyenv's shims hide interpreters that are installed but not chosen; choose all of them.
if command -v pyenv >/dev/null 2>&1; then
    PYENV_VERSION=$(pyenv versions --bare | paste -sd: -)
    export PYENV_VERSION
fi

find_python() { # the first interpreter of at least 3.11
    for name in python3 python3.11 python3.12 python3.13 python3.14 python; do
        if command -v "$name" >/dev/null 2>&1 &&
            "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    say "Python 3.11 or newer is needed: install it (for example 'apt install python3' or from python.org)."
    exit 1
}

find_uv() { # on PATH, else installed into .tools
    if command -v uv >/dev/null 2>&1 && uv --version >/dev/null 2>&1; then
        command -v uv
        return
    fi
    if [ ! -x .tools/bin/uv ]; then
        say "Installing uv into .tools ..."
        "$1" -m venv .tools 2>/dev/null || { rm -rf .tools; say "Python's venv module is needed: install it (for example 'apt install python3-venv')."; exit 1; }
        .tools/bin/pip install --quiet --disable-pip-version-check uv >&2
    fi
    printf '%s\n' "$PWD/.tools/bin/uv"
}

fingerprint() { cat "$@" | cksum; }

python=$(find_python)
uv=$(find_uv "$python")

wanted=$(fingerprint pyproject.toml)
if [ ! -x .venv/bin/python ] || [ "$(cat .venv/installed 2>/dev/null)" != "$wanted" ]; then
    say "Installing the application into .venv ..."
    [ -x .venv/bin/python ] || "$uv" venv --quiet --python "$python" .venv
    "$uv" pip install $quiet --python .venv/bin/python --editable . --group dev
    printf '%s' "$wanted" >.venv/installed
fi

wanted=$(fingerprint nlu/requirements.txt)
if [ ! -x .venv-rasa/bin/python ] || [ "$(cat .venv-rasa/installed 2>/dev/null)" != "$wanted" ]; then
    say "Installing Rasa into .venv-rasa (about 2.5 GB, one to two minutes) ..."
    if [ ! -x .venv-rasa/bin/python ]; then
        rm -rf .venv-rasa
        UV_PYTHON_DOWNLOADS=never "$uv" venv --quiet --python 3.10 .venv-rasa 2>/dev/null ||
            "$uv" venv --quiet --python 3.10 .venv-rasa 2>/dev/null || {
            say "Rasa needs Python 3.10, which is neither here nor could be fetched: install it (for example '$uv python install 3.10' or 'pyenv install 3.10'), then run this again."
            exit 1
        }
    fi
    "$uv" pip install $quiet --python .venv-rasa/bin/python --requirement nlu/requirements.txt
    printf '%s' "$wanted" >.venv-rasa/installed
fi
