"""What every store promises about looking for a tenant."""

import pytest

from stripe_bridge.domain.errors.base import TenantNotFound
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.use_cases.access.tokens import CheckTenant


@pytest.mark.parametrize("strange", ["", "a\0b", "\N{PILE OF POO}", "%", "x" * 10_000])
def test_whatever_an_address_calls_a_tenant_is_one_or_not(store: Store, strange: str):
    with pytest.raises(TenantNotFound):
        CheckTenant(store)(strange)
