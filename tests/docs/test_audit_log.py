"""The recipe for verifying a log without us works on what an export prints."""

import json
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from stripe_bridge.domain.changes.acts import receivers_registered
from stripe_bridge.domain.origin import SERVICE
from tests.adapters.cli.terminal import Terminal
from tests.builders import TENANT
from tests.docs.pages import ROOT

RECIPE = ROOT / "docs" / "operating.md"


def recipe() -> str:
    _, _, rest = RECIPE.read_text().partition("\n### Verifying it without us\n")
    found = re.search(r"^```python\n(.*?)^```$", rest, flags=re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def run(export: list[str]) -> subprocess.CompletedProcess[str]:
    given = "".join(f"{line}\n" for line in export)
    return subprocess.run(
        [sys.executable, "-c", recipe()], input=given, capture_output=True, text=True, check=False
    )


@pytest.fixture
def exported() -> list[str]:
    """With text that sorts differently by code points than by UTF-16 units, and an entry that was purged."""
    terminal = Terminal()
    terminal.world.connect()
    terminal.world.paid()
    terminal.world.put_order(502)
    customer = terminal.world.store.committed.sales_orders.rows[TENANT, 502].customer.id
    terminal.shown("changes", "purge", "--customer", customer, "--yes")
    odd = receivers_registered({"\U0001f600": "ü", "\ufb33": "\ud800"}, SERVICE)
    with terminal.store.writing() as work:
        work.acts.add(replace(odd, tenant_id=TENANT))
        work.commit()
    return terminal.shown("changes", "export", "--tenant", TENANT).splitlines()


def test_it_ends_with_the_last_hash(exported: list[str]):
    done = run(exported)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == json.loads(exported[-1])["hash"]


@pytest.mark.parametrize("member", ["type", "actor", "object", "sales_order", "hash"])
def test_it_fails_at_the_entry_that_was_changed(exported: list[str], member: str):
    last = json.loads(exported[-1])
    changed = json.dumps({**last, member: {"other": 1}})
    done = run([*exported[:-1], changed])
    assert done.returncode == 1
    assert f"AssertionError: {last['sequence']}" in done.stderr
