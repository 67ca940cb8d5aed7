"""`python -m playground run` and `python -m playground demo`."""

import argparse
import os
import shlex
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

import requests

from playground.faults import Fault
from playground.settings import Settings
from playground.stack import Stack, started
from playground.story import play

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Asked(BaseException):
    """We were asked to stop. Not an Exception, so that nothing in between handles it as an error."""


def main() -> int:
    """Do what the command line says; the exit status is 0 if all went well."""
    parser = argparse.ArgumentParser(prog="python -m playground", description=__doc__)
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
    raise _Asked


def _run() -> int:
    settings = Settings.from_env(os.environ)
    try:
        with started(settings, _tell) as stack:
            _welcome(stack)
            stack.watch()
    except _Asked:
        _tell("Stopped.")
    return 0


def _demo() -> int:
    data_dir = Path(tempfile.mkdtemp(prefix="stripe-bridge-demo-"))
    try:
        with started(Settings.anywhere(data_dir), _tell) as stack:
            play(stack)
    except _Asked:
        shutil.rmtree(data_dir)
        _tell("Stopped before the end.")
        return 130
    except (Fault, requests.RequestException):
        _tell(f"\nThe logs are in {data_dir}.")
        raise
    shutil.rmtree(data_dir)
    return 0


def _tell(text: str) -> None:
    print(text, flush=True)


def _welcome(stack: Stack) -> None:
    facts = stack.run
    _tell(f"\nService    {facts['service']}     (API documentation: {facts['service']}/docs)")
    _tell(f"Emulator   {facts['emulator']}    (what Stripe sees)")
    _tell(f"Data       {stack.settings.data_dir}    (with the logs; run.json has all of this for scripts)\n")
    _tell("Tokens")
    for role, each in facts["tokens"].items():
        _tell(f"  {role:<11}{each}")
    _tell(f"  {'admin':<11}{facts['other_tenant_token']}  (of another tenant)")
    _tell("\nNext: create an integration, then authorize it\n")
    post = ["curl", "-s", "-X", "POST", "-H", f"Authorization: Bearer {facts['tokens']['power_user']}"]
    path = f"{facts['service']}/api/stripe/integrations"
    body = ["-H", "Content-Type: application/json", "-d", '{"name": "My shop"}']
    _tell(f"  {shlex.join([*post, path, *body])}")
    _tell(f"  {shlex.join([*post, f'{path}/1/authorize'])}\n")
    _tell("Ctrl-C stops both.")


if __name__ == "__main__":
    sys.exit(main())
