from stripe_bridge.domain.paging import PageRequest
from tests.builders import AMOUNT, TENANT
from tests.contracts.stored import stored_order
from tests.world import World


def search(world: World, text: str = "", tenant: str = TENANT, **request):
    return world.bridge.sales_orders.search(tenant, text, PageRequest(**request))


def ids(world: World, text: str = "") -> list[int]:
    return [view.order.id for view in search(world, text).items]


def test_an_order_is_found_by_its_id_and_by_the_beginning_of_its_number(world: World):
    for id_, number in ((7, "100"), (100, "SO-2"), (8, "1000"), (9, "SO-1")):
        stored_order(world.store, id=id_, number=number)
    assert ids(world) == [100, 9, 8, 7]
    assert ids(world, "SO-") == [9, 100]
    assert ids(world, "100") == [100, 7, 8]
    assert ids(world, "7") == [7]
    assert ids(world, "8000") == []
    assert ids(world, "9" * 30) == ids(world, "9" * 5_000) == []
    assert search(world, "100", "other").items == []


def test_the_order_with_the_id_comes_once(world: World):
    for id_ in (1, 11, 2):
        stored_order(world.store, id=id_, number=str(id_))
    assert ids(world, "1") == [1, 11]
    first = search(world, "1", per_page=1)
    (before,) = (view.order.id for view in first.items[-1:])
    rest = search(world, "1", per_page=1, before_id=before)
    assert [view.order.id for view in rest.items] == [11]


def test_each_order_says_what_it_still_owes(world: World):
    world.paid(501)
    world.put_order(502)
    owed = {view.order.id: view.outstanding for view in search(world).items}
    assert owed == {501: 0, 502: AMOUNT}
