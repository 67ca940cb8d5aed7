"""`python -m stripe_bridge_playground run` and `python -m stripe_bridge_playground demo`."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import requests

from stripe_bridge_playground.client import Erp, Json, StripeSide
from stripe_bridge_playground.erp import USUAL_PORT, Shop, serving
from stripe_bridge_playground.faults import Fault
from stripe_bridge_playground.seed import ORDERS, seed
from stripe_bridge_playground.settings import HOST, Settings, free_port, write_private
from stripe_bridge_playground.stack import Stack, started
from stripe_bridge_playground.story import play
from stripe_bridge_playground.welcome import welcome

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _StopRequested(BaseException):
    """A signal to stop. Not an Exception, so that no handler of errors catches it."""


def main() -> int:
    """Do what the command line says; the exit status is 0 if all went well."""
    parser = argparse.ArgumentParser(prog="python -m stripe_bridge_playground", description=__doc__)
    parser.add_argument("what", choices=["run", "demo"])
    what = parser.parse_args().what
    for number in _STOP_SIGNALS:
        # Under nohup, a closed terminal is no reason to stop.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)
    try:
        return _run() if what == "run" else _demo()
    except Fault as fault:
        print(f"\n{fault}", file=sys.stderr, flush=True)
        return 1
    except requests.RequestException as error:
        print(f"\nNo answer: {error}", file=sys.stderr, flush=True)
        return 1


def _stop(_number: int, _frame: FrameType | None) -> None:
    # Ignore further signals: make passes on those that the terminal has already sent us.
    for each in _STOP_SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise _StopRequested


def _run() -> int:
    settings = Settings.from_env(os.environ)
    try:
        with started(settings, _print) as stack:
            _run_with_erp(stack)
    except _StopRequested:
        _print("Stopped.")
    return 0


def _run_with_erp(stack: Stack) -> None:
    """With the page like an ERP's, until it is stopped."""
    port = stack.settings.erp_port or free_port(USUAL_PORT)
    shop = Shop(stack.run["service"], f"http://{HOST}:{port}", stack.run["tokens"], ORDERS)
    erp = Erp(stack.http, stack.run["service"], stack.run["tokens"]["power_user"])
    with serving(port, shop):
        if stack.settings.seed and not _integrations(erp):
            _print("Connecting an account, and having an order paid ...")
            seed(erp, StripeSide(stack.http, stack.run["emulator"]))
        facts = {**stack.run, "erp": shop.origin}
        write_private(stack.settings.data_dir / "run.json", facts)
        # Not in the file, which outlives it.
        facts = {**facts, "console": stack.console_link}
        for line in welcome(facts, stack.settings.data_dir, _integrations(erp)):
            _print(line)
        stack.watch()


def _integrations(erp: Erp) -> Sequence[Json]:
    found: Sequence[Json] = erp.call("GET", "/api/stripe/integrations", expected=200)["data"]
    return found


def _demo() -> int:
    data_dir = Path(tempfile.mkdtemp(prefix="stripe-bridge-demo-"))
    try:
        with started(Settings.anywhere(data_dir), _print) as stack:
            play(stack)
    except _StopRequested:
        shutil.rmtree(data_dir)
        _print("Stopped before the end.")
        return 130
    except (Fault, requests.RequestException):
        _print(f"\nThe logs are in {data_dir}.")
        raise
    shutil.rmtree(data_dir)
    return 0


def _print(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
