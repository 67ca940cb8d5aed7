"""What `run` prints once both are ready: where everything is, and what to try next."""

import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

Json = Mapping[str, Any]


def welcome(facts: Json, data_dir: Path, integrations: Sequence[Json]) -> Iterator[str]:
    """`integrations` are those of earlier starts, newest first."""
    if "erp" in facts:
        yield f"\nOpen       {facts['erp']}     (an order in a page like an ERP's, with the panel in it)"
    if "console" in facts:
        yield f"Console    {facts['console']}"
    yield f"\nService    {facts['service']}     (API documentation: {facts['service']}/docs)"
    yield f"Emulator   {facts['emulator']}    (what Stripe sees)"
    yield f"Data       {data_dir}    (with the logs; run.json has all of this for scripts)"
    yield f"Commands   . {shlex.quote(str(data_dir / 'env.sh'))} && {_command()} doctor    (or any other command)\n"
    yield "Tokens"
    for role, token in facts["tokens"].items():
        yield f"  {role:<11}{token}"
    yield f"  {'admin':<11}{facts['other_tenant_token']}  (of another tenant)\n"
    yield from _next_steps(facts, integrations)
    yield "\nCtrl-C stops everything."


def _command() -> str:
    """As one can type it here."""
    path = Path(sys.executable).with_name("stripe-bridge")
    return shlex.quote(os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path))


def _next_steps(facts: Json, integrations: Sequence[Json]) -> Iterator[str]:
    path = f"{facts['service']}/api/stripe/integrations"
    connected = next((each for each in integrations if each["connected"]), None)
    if connected is not None:
        yield f"Next: send invoices through integration {connected['id']}, {connected['name']}, and list them\n"
        yield _curl(facts, f"{path}/{connected['id']}/invoices")
    elif integrations:
        newest = integrations[0]
        yield f"Next: authorize integration {newest['id']}, {newest['name']}\n"
        yield _curl(facts, "-X", "POST", f"{path}/{newest['id']}/authorize")
    else:
        yield "Next: create an integration, then authorize it\n"
        body = ["-H", "Content-Type: application/json", "-d", '{"name": "My shop"}']
        yield _curl(facts, "-X", "POST", path, *body)
        yield _curl(facts, "-X", "POST", f"{path}/1/authorize")


def _curl(facts: Json, *arguments: str) -> str:
    token = f"Authorization: Bearer {facts['tokens']['power_user']}"
    return f"  {shlex.join(['curl', '-s', '-H', token, *arguments])}"
