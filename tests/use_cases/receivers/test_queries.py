from stripe_bridge.domain.receiver import ReceiverKind
from tests.world import World


def test_the_platforms_receivers_come_first_and_those_of_accounts_after_them():
    world = World()
    world.connect()
    attached = world.bridge.attach_receiver(world.integration_id, "whsec_own")
    assert world.bridge.list_receivers() == [attached]

    world.bridge.register_receivers()

    kinds = [receiver.kind for receiver in world.bridge.list_receivers()]
    assert kinds == [ReceiverKind.PLATFORM, ReceiverKind.CONNECT, ReceiverKind.ACCOUNT]
