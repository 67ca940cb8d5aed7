"""Rows that are written together: one for which a value is missing would get NULL there."""

from typing import Any

import pytest

from stripe_bridge.adapters.database.change_log import ENTRIES
from stripe_bridge.adapters.database.identity_map import INVOICES, PAYMENTS
from stripe_bridge.adapters.database.mapping import Mapper
from stripe_bridge.adapters.database.request_traces import TRACES


@pytest.mark.parametrize(
    "mapper", [INVOICES, PAYMENTS, ENTRIES, TRACES], ids=lambda mapper: mapper.table.name
)
def test_values_have_every_column_of_their_table(mapper: Mapper[Any]):
    assert {column.name for column in mapper.columns} == set(mapper.table.columns.keys())
