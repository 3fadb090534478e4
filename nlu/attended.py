"""``python -m nlu.attended MODULE ARGUMENT...``: run a module that ends with whoever started it.

The starter keeps the other end of standard input and writes nothing to it. However it ends, also when it is
killed, the end of the input ends this process at once.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading


def _end_with_the_input() -> None:
    while os.read(0, 4096):  # not sys.stdin, whose lock would be held when the module has ended by itself
        pass
    os._exit(1)


def main() -> None:
    """Run the module that the first argument names, with the others as its own."""
    threading.Thread(target=_end_with_the_input, daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
