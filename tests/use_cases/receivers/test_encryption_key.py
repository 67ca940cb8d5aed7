"""A process with another key than the data's replaces no secret, and says so."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from stripe_bridge.domain.finding import Finding, Fix, Severity
from stripe_bridge.domain.intent_plans import plan_endpoint_repair
from stripe_bridge.domain.receiver import ReceiverKind
from stripe_bridge.ports.vault import WrongEncryptionKey
from stripe_bridge.use_cases.receivers.encryption_key import CheckEncryptionKey, EncryptionKey
from stripe_bridge.use_cases.receivers.endpoint_status import EndpointStatuses
from stripe_bridge.use_cases.receivers.steps import RepairEndpointStep
from tests.fakes.signer import FakeSigner
from tests.fakes.vault import FakeVault
from tests.use_cases.operations.patient import healthy
from tests.world import World

URL = "https://bridge.test/api/webhooks/stripe"
RIGHT, WRONG = FakeVault("key-1"), FakeVault("another key")


@pytest.fixture(params=[True, False], ids=["key in use is known", "of a former release"])
def world(request: pytest.FixtureRequest) -> World:
    """A world in which nothing is wrong, seen from a shell with the wrong key."""
    world = healthy(World(STRIPE_WEBHOOK_SECRETS=""))
    if not request.param:
        clear_key_in_use(world)
    open_shell(world, WRONG)
    return world


def clear_key_in_use(world: World) -> None:
    world.store.committed.key_in_use.rows.clear()


def open_shell(world: World, vault: FakeVault) -> None:
    world.adapters = replace(world.adapters, vault=vault, signer=FakeSigner(*vault.fingerprints()))
    world.restart()


def key_of(world: World, vault: FakeVault) -> EncryptionKey:
    return EncryptionKey(world.store, world.clock, vault)


def diagnose(world: World) -> list[Finding]:
    findings: list[Finding] = world.bridge.operations.diagnose()
    return findings


def fix(world: World, **more: bool) -> list[str]:
    return list(world.bridge.operations.apply_fixes(diagnose(world), **more))


def endpoints_and_secrets(world: World) -> tuple[dict[str, object], set[str]]:
    secrets = {receiver.sealed_secret for receiver in world.bridge.receivers.list()}
    return dict(world.stripe.endpoints[None]), secrets


def test_that_no_secret_opens_is_the_one_finding_and_the_remedy_is_the_key(world: World):
    (finding,) = diagnose(world)

    assert (finding.severity, finding.subject, finding.fix) == (
        Severity.ERROR,
        "encryption key",
        Fix.DISCARD_SECRETS,
    )
    assert finding.what.startswith("none of the 3 stored secrets can be opened with ENCRYPTION_KEYS")
    assert "put the key" in finding.remedy
    open_shell(world, RIGHT)
    assert diagnose(world) == []


def test_fixing_leaves_every_secret_and_every_endpoint_alone(world: World):
    before = endpoints_and_secrets(world)

    (said,) = fix(world)

    assert "--discard-secrets" in said
    assert endpoints_and_secrets(world) == before


def test_nor_does_it_where_an_endpoint_has_other_problems_too(world: World):
    endpoints = world.stripe.endpoints[None]
    for endpoint in endpoints.values():
        endpoints[endpoint.id] = replace(endpoint, enabled=False)
    before = endpoints_and_secrets(world)

    said = fix(world)

    assert len(said) == 2
    assert "could not be fixed" in said[1]
    assert endpoints_and_secrets(world) == before


COMMANDS: dict[str, Callable[[World], object]] = {
    "register": lambda world: world.bridge.receivers.register(),
    "attach": lambda world: world.bridge.receivers.attach(world.integration_id, "whsec_own"),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_no_command_replaces_a_secret_with_the_wrong_key(world: World, command: Callable[[World], object]):
    before = endpoints_and_secrets(world)

    with pytest.raises(WrongEncryptionKey):
        command(world)

    assert endpoints_and_secrets(world) == before


def test_nor_does_a_worker_that_takes_over_the_call_of_a_process_with_the_right_key(world: World):
    key_of(world, RIGHT).require()
    planned = plan_endpoint_repair(ReceiverKind.PLATFORM, URL, reference="r-1", now=world.clock.now())
    gateway = world.adapters.receiver_gateway
    statuses = EndpointStatuses(world.store, gateway, WRONG)
    step = RepairEndpointStep(world.clock, gateway, WRONG, statuses, key_of(world, WRONG))
    before = endpoints_and_secrets(world)

    with pytest.raises(WrongEncryptionKey):
        step.call(planned)

    assert endpoints_and_secrets(world) == before


def test_once_the_key_is_gone_for_good_the_operator_may_say_so(world: World):
    before = endpoints_and_secrets(world)

    said = fix(world, discard_secrets=True)

    assert said == ["receivers: platform created, connect created"]
    assert not endpoints_and_secrets(world)[1] & before[1]
    # What remains is what only the merchant can give again, and what only the lost key could verify.
    assert {finding.what for finding in diagnose(world)} == {
        "the account's token cannot be opened",
        "no configured key verifies what it signed at Stripe",
    }
    assert fix(world) == []


def test_the_key_in_use_is_known_before_the_first_secret_is_sealed():
    world = World(STRIPE_WEBHOOK_SECRETS="")
    key_of(world, RIGHT).require()
    open_shell(world, WRONG)

    with pytest.raises(WrongEncryptionKey):
        world.bridge.receivers.register()

    assert not world.stripe.endpoints[None]
    (finding, *_) = diagnose(world)
    assert "does not contain the key in use" in finding.what


def test_a_secret_sealed_by_mistake_does_not_make_the_wrong_key_right(world: World):
    key_of(world, RIGHT).require()
    with world.store.writing() as work:
        receiver = work.receivers.of_kinds([ReceiverKind.PLATFORM])[0]
        work.receivers.save(replace(receiver, sealed_secret=WRONG.seal("whsec_1")))
        work.commit()

    with pytest.raises(WrongEncryptionKey):
        world.bridge.receivers.register()


@pytest.mark.parametrize("vault", [FakeVault("key-2", "key-1"), FakeVault("key-1", "key-2")])
def test_while_keys_are_rotated_both_old_and_new_processes_are_right(world: World, vault: FakeVault):
    key_of(world, RIGHT).require()
    open_shell(world, vault)

    assert diagnose(world) == []
    world.bridge.operations.rotate_keys()
    assert not key_of(world, vault).status().is_wrong
    assert key_of(world, WRONG).status().is_wrong


def test_after_a_rotation_a_process_with_only_the_old_key_is_wrong(world: World):
    key_of(world, RIGHT).require()
    open_shell(world, FakeVault("key-2", "key-1"))

    world.bridge.operations.rotate_keys()

    assert key_of(world, RIGHT).status().is_wrong
    assert not key_of(world, FakeVault("key-2")).status().is_wrong


def test_a_rotation_that_opens_nothing_makes_no_key_the_one_in_use(world: World):
    key_of(world, RIGHT).require()

    world.bridge.operations.rotate_keys()

    assert not key_of(world, RIGHT).status().is_wrong


def test_a_process_with_another_key_says_so_at_start(world: World, caplog: pytest.LogCaptureFixture):
    CheckEncryptionKey(key_of(world, RIGHT))()
    assert caplog.records == []

    CheckEncryptionKey(key_of(world, WRONG))()

    (record,) = caplog.records
    assert (record.levelname, record.message) == ("ERROR", "wrong encryption key")
    assert record.__dict__["key_in_use"] == RIGHT.fingerprints()[0]
    assert record.__dict__["own_keys"] == list(WRONG.fingerprints())


def test_a_wrong_key_is_not_taken_for_the_one_in_use_when_a_release_first_keeps_it(world: World):
    clear_key_in_use(world)

    CheckEncryptionKey(key_of(world, WRONG))()

    assert key_of(world, RIGHT).status().in_use is None
    assert not key_of(world, RIGHT).status().is_wrong


def test_a_start_without_a_database_goes_on(world: World, caplog: pytest.LogCaptureFixture):
    world.store.is_available = False

    CheckEncryptionKey(key_of(world, RIGHT))()

    assert [record.message for record in caplog.records] == [
        "encryption key not checked: database unavailable"
    ]
