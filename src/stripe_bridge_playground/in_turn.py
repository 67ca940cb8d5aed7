"""`python -m stripe_bridge_playground.in_turn COMMANDS`: several `python -m ...`, one after another in this one process.

Each by itself would take a second, almost all of it to start. COMMANDS is JSON, the arguments of each; so is what is written,
what each printed. The first one that fails is the last.
"""

import contextlib
import io
import json
import runpy
import sys
from collections.abc import Sequence


def _printed_by(command: Sequence[str]) -> str:
    sys.argv = list(command)
    with contextlib.redirect_stdout(io.StringIO()) as output:
        try:
            runpy.run_module(command[0], run_name="__main__", alter_sys=True)
        except SystemExit as ended:
            if ended.code:
                raise
    return output.getvalue()


if __name__ == "__main__":
    print(json.dumps([_printed_by(each) for each in json.loads(sys.argv[1])]))
