"""Reading invoices."""

import pytest

from stripe_bridge.domain.errors.base import InvoiceNotFound
from tests.builders import TENANT
from tests.world import World


def test_another_tenants_invoice_is_not_there(world: World):
    invoice = world.sent()

    assert world.bridge.show_invoice(TENANT, invoice.id).invoice == invoice
    with pytest.raises(InvoiceNotFound):
        world.bridge.show_invoice("other", invoice.id)
