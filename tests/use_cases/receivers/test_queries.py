from stripe_bridge.domain.receiver import ReceiverKind
from tests.world import World


def test_the_platforms_receivers_come_first_and_those_of_accounts_after_them():
    world = World()
    world.connect()
    attached = world.bridge.receivers.attach(world.integration_id, "whsec_own")
    assert world.bridge.receivers.list() == [attached]

    world.bridge.receivers.register()

    kinds = [receiver.kind for receiver in world.bridge.receivers.list()]
    assert kinds == [ReceiverKind.PLATFORM, ReceiverKind.CONNECT, ReceiverKind.ACCOUNT]
