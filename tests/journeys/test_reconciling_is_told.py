"""What reconciling finds stands in the change log with who had it done: a worker, or somebody at the command line."""

from tests.journeys.combinations import POSTGRES_REDIS, SQLITE, on
from tests.journeys.people import Erp, Json
from tests.journeys.stack import Combination, Stack
from tests.journeys.test_settlements import forge_payment
from tests.journeys.test_what_the_log_tells import Log, by, webhooks_late
from tests.waiting import wait_until

ON_SCHEDULE = {"RECONCILE_SECONDS": "1"}
EVERY_SECOND = Combination(database="sqlite", settings=ON_SCHEDULE)
EVERY_SECOND_BY_A_WORKER = Combination(database="postgres", worker="flask", settings=ON_SCHEDULE)
# Nothing but reading the account itself shows that it has changed.
NO_EVENTS: Json = {
    "deliveries": {"hold": True},
    "calls": [{"effect": "500_before", "path": "^/v1/events"}],
}


def restrict(stack: Stack, integration: Json) -> None:
    stack.control.change_account(integration["stripe_account_id"], {"charges_enabled": False})


@on(EVERY_SECOND, EVERY_SECOND_BY_A_WORKER)
def test_what_a_worker_finds_while_reconciling_is_the_services_own_act(stack: Stack, erp: Erp):
    integration = erp.connect()
    log = Log(erp)
    with stack.misbehaving(NO_EVENTS):
        restrict(stack, integration)
        (restricted,) = wait_until(log.next)
    assert restricted["type"] == "integration.restricted"
    assert by("service", "reconcile")(restricted)
    assert restricted["cause"] == {"job": "reconcile"}
    stack.control.release()


@on(SQLITE, POSTGRES_REDIS)
def test_who_reconciles_at_the_command_line_is_named(stack: Stack, erp: Erp):
    integration = erp.connect()
    log = Log(erp)
    with webhooks_late(stack):
        restrict(stack, integration)
        stack.command("reconcile", "--as", "Ada", "--integration", str(integration["id"]))
        (restricted,) = log.next()
    assert restricted["type"] == "integration.restricted"
    assert by("operator")(restricted)
    assert restricted["cause"]["command"].endswith("flask reconcile")
    assert restricted["cause"]["operator"] == "Ada"


@on(SQLITE, POSTGRES_REDIS)
def test_a_payment_that_stripe_knows_nothing_of_is_told_and_then_corrected_by_the_service(
    stack: Stack, erp: Erp
):
    integration = erp.connect()
    erp.new_order()
    invoice = erp.sent(integration)
    log = Log(erp)
    forge_payment(stack, invoice)
    # Confirming takes ten seconds, and a token has so many requests a minute.
    paid, *others = [*wait_until(log.next), *wait_until(log.next, every=0.2)]
    assert paid["type"] == "invoice.paid"
    assert paid["cause"]["stripe_event_id"].startswith("evt_forged_")
    corrected = others[-1]
    assert corrected["type"] == "invoice.corrected"
    assert by("service", "confirm_settlements")(corrected)
    assert corrected["changed"]["status"] == ["paid", "open"]
    assert corrected["sales_order"]["outstanding_in_cents"] == invoice["amount"]
