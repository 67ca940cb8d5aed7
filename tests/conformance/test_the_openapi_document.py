"""The service does what its own OpenAPI document says, whatever the request and whoever makes it.

CONFORMANCE_EXAMPLES (3) makes the run larger; CONFORMANCE_SEED (20261123) makes it different.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stripe_bridge.adapters.web.app import operations_by_endpoint
from stripe_bridge.domain.access import Role
from tests.conformance.conftest import erp_of
from tests.journeys.people import data_of
from tests.journeys.stack import WEBHOOK_SECRET
from tests.servers.processes import ROOT

pytestmark = pytest.mark.slow

# The schema cannot express business rules, sizes that are too large, or bodies that are not JSON.
CONFIG = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "400", "401", "403", "404", "409", "413", "422", "429", "5xx"]
"""
HOOKS = Path(__file__).with_name("hooks.py")
OF_THE_PANEL = {each.id for each in operations_by_endpoint().values() if "panel" in each.id}
# Each may send 30 invoices and refund 20 times a minute.
TOKENS = 8


@pytest.fixture(scope="module")
def stack(run_stack):
    with run_stack() as started:
        yield started


@pytest.fixture(scope="module")
def scene(stack):
    """One of everything, under the ids in the document's examples."""
    with erp_of(stack) as erp:
        connected, spare = erp.connect(), erp.connect()
        unconnected = erp.create_integration("Never connected")
        stack.operator.receivers.attach(unconnected["id"], WEBHOOK_SECRET)
        erp.new_order(1)
        paid = erp.paid(connected, 1)
        assert erp.refund(paid, amount_in_cents=100).status_code == 201
        for order_id in (2, 3, 1001):
            erp.new_order(order_id)
        erp.sent(connected, 2)
        erp.sent(spare, 3)
        replay(erp)
        accounts = {str(one["id"]): one["stripe_account_id"] for one in (connected, spare)}
        receiver = "http://127.0.0.1:9/changes"
        made = [erp.ask("POST", "/api/subscribers", {"url": receiver}, role=Role.ADMIN) for _ in range(2)]
        yield (
            erp,
            {
                "accounts": accounts,
                "with_receiver": unconnected["id"],
                "receiver": receiver,
                "subscribers": [data_of(each, 201)["id"] for each in made],
            },
        )


def replay(erp):
    """Of the events that failed, of which there are none."""
    path, asked = "/api/stripe/webhook-events/replay", {"filter": {"status": "failed"}}
    plan = data_of(erp.ask("POST", path, asked), 200)
    return data_of(erp.ask("POST", path, {**asked, "dry_run": False, "digest": plan["digest"]}), 202)


@pytest.mark.parametrize("role", Role)
def test_schemathesis_finds_nothing_with_every_check_on(stack, scene, role, tmp_path):
    erp, there_is = scene
    seed = os.environ.get("CONFORMANCE_SEED") or "20261123"
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG)
    given = {
        "service": stack.url,
        "tokens": [erp.new_token(role) for _ in range(TOKENS)],
        "power_user": erp.token(),
        "webhook_secret": WEBHOOK_SECRET,
        **there_is,
    }
    command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"]
    options = {
        "--checks": "all",
        "--max-examples": os.environ.get("CONFORMANCE_EXAMPLES", "3"),
        "--seed": seed,
        "--generation-database": "none",
        "--output-truncate": "false",
    }
    env = {
        **os.environ,
        "CONFORMANCE": json.dumps(given),
        "SCHEMATHESIS_HOOKS": str(HOOKS),
        "NO_PROXY": "127.0.0.1",
        # Which characters a codec has takes a second to find out: once, and not for each role.
        "HYPOTHESIS_STORAGE_DIRECTORY": str(ROOT / ".hypothesis"),
    }
    run = subprocess.run(
        [
            *(*command, "--config-file", str(config), "run", f"{stack.url}/openapi.json"),
            *(part for option in options.items() for part in option),
        ],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
    )
    sys.stdout.write(f"seed {seed}\n{run.stdout}{run.stderr}")
    assert run.returncode == 0, (
        f"schemathesis found something with seed {seed}:\n{run.stdout[-20_000:]}{run.stderr[-5_000:]}"
    )
    if role is Role.ADMIN:
        # The document only says that a webhook's body is an object. Stripe's own events go to the platform's receiver; what
        # is accepted there is not logged but stored. Questions whether the process is up are not logged either. A confirmation
        # is a secret that only the callback hands out: journeys hold its answers against the document. So is the session of a
        # panel, which is bound to the page that it was made for. A replay that is still running is a matter of seconds.
        unguessable = {
            "receive_account_webhook",
            "receive_platform_webhook",
            "show_health",
            "confirm_authorization",
            "cancel_replay",
            *OF_THE_PANEL,
        }
        assert never_well_answered(stack) <= unguessable
        assert data_of(erp.ask("GET", "/api/stripe/webhook-events"), 200)


def never_well_answered(stack):
    """The operations that answered only with failures, so that their successful answers were not tested."""
    lines = (line for line in stack.logs().splitlines() if line.startswith("{") and '"route"' in line)
    asked = [json.loads(line) for line in lines]
    good = {(line["method"], line["route"]) for line in asked if line["status"] < 400}
    return {each.id for each in operations_by_endpoint().values() if (each.method, each.path) not in good}
