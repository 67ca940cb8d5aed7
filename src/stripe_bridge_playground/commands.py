"""The service's commands, one after another in one process: what they import takes most of a command's time.

`python -m stripe_bridge_playground.commands` reads the words of one from each line, and answers with another line.
"""

import json
import runpy
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any


def main() -> None:
    """Until there are no more."""
    for line in sys.stdin:
        answer = json.dumps(_run(json.loads(line)))
        print(answer, flush=True)


def _run(words: Sequence[str]) -> dict[str, Any]:
    status: object = None
    with redirect_stdout(StringIO()) as printed, redirect_stderr(StringIO()) as said:
        try:
            sys.argv = ["flask", *words]
            runpy.run_module("flask", run_name="__main__", alter_sys=True)
        except SystemExit as end:
            status = end.code
    return {"status": status, "printed": printed.getvalue(), "said": said.getvalue()}


if __name__ == "__main__":
    main()
