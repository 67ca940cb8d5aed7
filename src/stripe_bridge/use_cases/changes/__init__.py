"""The change log, read and checked: what was recorded of our own objects, in the order in which it became true."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from stripe_bridge.ports.adapters import Adapters
from stripe_bridge.use_cases.changes.browse import ExportChanges, ListChanges, ShowChange
from stripe_bridge.use_cases.changes.check import CheckNextChanges
from stripe_bridge.use_cases.changes.purge import FindOrdersOfCustomer, PurgeCustomer, PurgeOldObjects
from stripe_bridge.use_cases.changes.verify import VerifyChanges


@dataclass(frozen=True, kw_only=True)
class Changes:
    list: ListChanges
    show: ShowChange
    export: ExportChanges
    verify: VerifyChanges
    check_next: CheckNextChanges
    purge_old: PurgeOldObjects
    find_orders_of_customer: FindOrdersOfCustomer
    purge_customer: PurgeCustomer


def build_changes(adapters: Adapters, *, keep_objects: timedelta) -> Changes:
    store, clock = adapters.store, adapters.clock
    find_orders = FindOrdersOfCustomer(store)
    return Changes(
        list=ListChanges(store),
        show=ShowChange(store),
        export=ExportChanges(store),
        verify=VerifyChanges(store),
        check_next=CheckNextChanges(store, clock),
        purge_old=PurgeOldObjects(store, clock, keep_objects),
        find_orders_of_customer=find_orders,
        purge_customer=PurgeCustomer(store, find_orders),
    )
