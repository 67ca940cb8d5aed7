"""The change log, read and checked: what was recorded of our own objects, in the order in which it became true."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from stripe_bridge.ports.adapters import Adapters
from stripe_bridge.use_cases.changes.browse import ExportChanges, ListChanges, ShowChange
from stripe_bridge.use_cases.changes.check import CheckNextChanges
from stripe_bridge.use_cases.changes.existing import RecordExisting, ShowBackfill
from stripe_bridge.use_cases.changes.purge import FindOrdersOfCustomer, PurgeOldObjects, PurgeOrders
from stripe_bridge.use_cases.changes.read import (
    FindAllHeads,
    FindHeads,
    FindLastChange,
    ReadFeed,
    SkipForeign,
)
from stripe_bridge.use_cases.changes.resume import ResumeSends
from stripe_bridge.use_cases.changes.status import ShowLogStatus
from stripe_bridge.use_cases.changes.trace import ForgetRequests, TraceRequest
from stripe_bridge.use_cases.changes.verify import VerifyChanges
from stripe_bridge.use_cases.changes.witness import HoldOnContradiction


@dataclass(frozen=True, kw_only=True)
class Changes:
    record_existing: RecordExisting
    show_backfill: ShowBackfill
    read: ReadFeed
    find_heads: FindHeads
    find_all_heads: FindAllHeads
    find_last: FindLastChange
    skip_foreign: SkipForeign
    resume_sends: ResumeSends
    list: ListChanges
    show: ShowChange
    show_status: ShowLogStatus
    export: ExportChanges
    verify: VerifyChanges
    check_next: CheckNextChanges
    purge_old: PurgeOldObjects
    find_orders_of_customer: FindOrdersOfCustomer
    purge_orders: PurgeOrders
    trace_request: TraceRequest
    forget_requests: ForgetRequests


def build_changes(adapters: Adapters, *, keep_objects: timedelta) -> Changes:
    """`keep_objects` is for how long entries keep their objects; zero means for ever."""
    store, clock = adapters.store, adapters.clock
    return Changes(
        record_existing=RecordExisting(store, clock),
        show_backfill=ShowBackfill(store),
        read=ReadFeed(store, clock, HoldOnContradiction(store, clock)),
        find_heads=FindHeads(store),
        find_all_heads=FindAllHeads(store),
        find_last=FindLastChange(store),
        skip_foreign=SkipForeign(store),
        resume_sends=ResumeSends(store, clock),
        list=ListChanges(store),
        show=ShowChange(store),
        show_status=ShowLogStatus(store),
        export=ExportChanges(store),
        verify=VerifyChanges(store),
        check_next=CheckNextChanges(store, clock),
        purge_old=PurgeOldObjects(store, clock, keep_objects),
        find_orders_of_customer=FindOrdersOfCustomer(store),
        purge_orders=PurgeOrders(store),
        trace_request=TraceRequest(store),
        forget_requests=ForgetRequests(store, clock),
    )
