"""Sums by the hour: webhooks, applied events, sent invoices, money in and refunded.

They are functions of the rows that they sum up, as the totals are: whatever changes a row changes its hour's sum, in the same
transaction, and a daily recount corrects what is wrong. That recount is also what adds up the hours before this upgrade.

On PostgreSQL, where others would wait for the row of the current hour, triggers append the changes to a table; workers add
them up. A batch of events is applied in one UPDATE, so that updates are added up for each statement. So are those of the
totals of events, from now on, which were one change for each event: that saves more than the sums cost.

SQLite makes a table of the values of each IN with more than two of them, whenever a trigger looks at it: comparing them one by
one costs a fraction. There the triggers that count events are made anew like that, which saves more than the sums cost, too.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
COLUMNS: dict[str, Any] = {
    "integration_id": sa.BigInteger(),
    "hour": sa.DateTime(timezone=True),
    "measure": sa.String(),
    "currency": sa.String(),
}
NAMES = "integration_id, hour, measure, currency, number"
FINISHED = ("failed", "processed", "skipped")
DONE = f"({', '.join(repr(status) for status in FINISHED)})"
OLD_AND_NEW = (("OLD", -1), ("NEW", 1))
UPDATE = "UPDATE OF status, integration_id"
# By table: the measure, when a row counts, the time that says in which hour, and for how much.
MEASURES = {
    "invoices": ("sent", "({0}.sent_at IS NOT NULL AND {0}.finalized_at IS NOT NULL)", "finalized_at", "1"),
    "payments": (
        "money_in",
        "({0}.status = 'paid' AND {0}.paid_at IS NOT NULL"
        " AND ({0}.payment_intent_id IS NOT NULL OR {0}.charge_id IS NOT NULL))",
        "paid_at",
        "amount_paid",
    ),
    "refunds": (
        "refunded",
        "({0}.state IN ('pending', 'requires_action', 'succeeded'))",
        "created_at",
        "amount",
    ),
}


def upgrade() -> None:
    op.create_table(
        "hourly_sums",
        *(sa.Column(name, type_, nullable=False, autoincrement=False) for name, type_ in COLUMNS.items()),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*COLUMNS, name="pk_hourly_sums"),
    )
    op.create_table(
        "hourly_sum_changes",
        sa.Column("id", ID, nullable=False),
        *(sa.Column(name, type_, nullable=False) for name, type_ in COLUMNS.items()),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_hourly_sum_changes"),
        sqlite_autoincrement=True,
    )
    if _is_postgresql():
        _triggers_on_postgresql()
    else:
        _triggers_on_sqlite()
        _count_events_faster()


def downgrade() -> None:
    for table in ("webhook_events", *MEASURES):
        for when in ("inserted", "updated"):
            on = f" ON {table}" if _is_postgresql() else ""
            op.execute(f"DROP TRIGGER sum_{table}_{when}{on}")
    if not _is_postgresql():
        op.execute("DROP TRIGGER sum_webhook_events_applied")
    else:
        op.execute(
            "CREATE TRIGGER count_webhook_events_updated AFTER UPDATE OF status, tenant_id, integration_id "
            f"ON webhook_events FOR EACH ROW WHEN (OLD.status IN {DONE} OR NEW.status IN {DONE}) "
            "EXECUTE FUNCTION count_webhook_events()"
        )
        for function in ("webhook_events_inserted", "webhook_events_updated", *MEASURES):
            op.execute(f"DROP FUNCTION sum_{function}()")
    op.drop_table("hourly_sum_changes")
    op.drop_table("hourly_sums")


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _triggers_on_postgresql() -> None:
    _of_events_on_postgresql()
    for table, (_, counts, at, amount) in MEASURES.items():
        old, new = counts.format("OLD"), counts.format("NEW")
        op.execute(
            f"CREATE OR REPLACE FUNCTION sum_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF TG_OP = 'UPDATE' THEN IF {old} THEN {_change(table, 'OLD', -1)}; END IF; END IF; "
            f"IF {new} THEN {_change(table, 'NEW', 1)}; END IF; RETURN NULL; END $$"
        )
        function = f"EXECUTE FUNCTION sum_{table}()"
        op.execute(
            f"CREATE TRIGGER sum_{table}_inserted AFTER INSERT ON {table} FOR EACH ROW WHEN ({new}) {function}"
        )
        op.execute(
            f"CREATE TRIGGER sum_{table}_updated AFTER UPDATE ON {table} FOR EACH ROW "
            f"WHEN ({_differs(counts, at, amount)}) {function}"
        )


def _triggers_on_sqlite() -> None:
    # What nearly all updates are has a trigger of its own, which has nothing to compare.
    was_done, is_done = _is_done("OLD"), _is_done("NEW")
    is_applied = f"NEW.status = 'processed' AND NEW.processed_at IS NOT NULL AND NOT {was_done}"
    is_other = f"({was_done} OR {is_done}) AND NOT ({is_applied})"
    for when, kind, condition, body in (
        ("inserted", "INSERT", is_done, _event("NEW", 1)),
        ("applied", UPDATE, is_applied, _applied("NEW")),
        ("updated", UPDATE, is_other, f"{_event('OLD', -1)} {_event('NEW', 1)}"),
    ):
        op.execute(
            f"CREATE TRIGGER sum_webhook_events_{when} AFTER {kind} ON webhook_events "
            f"WHEN {condition} BEGIN {body} END"
        )
    for table, (_, counts, at, amount) in MEASURES.items():
        old, new = counts.format("OLD"), counts.format("NEW")
        op.execute(
            f"CREATE TRIGGER sum_{table}_inserted AFTER INSERT ON {table} WHEN {new} "
            f"BEGIN {_change(table, 'NEW', 1)}; END"
        )
        op.execute(
            f"CREATE TRIGGER sum_{table}_updated AFTER UPDATE ON {table} WHEN {_differs(counts, at, amount)} "
            f"BEGIN {_change(table, 'OLD', -1, old)}; {_change(table, 'NEW', 1, new)}; END"
        )


def _count_events_faster() -> None:
    """The triggers of 0002, which say the same in other words."""
    was_done, is_done = _is_done("OLD"), _is_done("NEW")
    for when, kind, condition, rows in (
        ("inserted", "INSERT", is_done, (("NEW", 1),)),
        ("updated", "UPDATE OF status, tenant_id, integration_id", f"{was_done} OR {is_done}", OLD_AND_NEW),
    ):
        body = " ".join(_count(row, sign) for row, sign in rows)
        op.execute(f"DROP TRIGGER count_webhook_events_{when}")
        op.execute(
            f"CREATE TRIGGER count_webhook_events_{when} AFTER {kind} ON webhook_events "
            f"WHEN {condition} BEGIN {body} END"
        )


def _count(row: str, sign: int) -> str:
    return (
        f"INSERT INTO event_count_changes (tenant_id, integration_id, event_type, status, number) SELECT "
        f"coalesce({row}.tenant_id, ''), coalesce({row}.integration_id, 0), {row}.event_type, {row}.status, "
        f"{sign} WHERE {_is_done(row)};"
    )


def _is_done(row: str) -> str:
    return "(" + " OR ".join(f"{row}.status = '{status}'" for status in FINISHED) + ")"


def _differs(counts: str, at: str, amount: str) -> str:
    """Whether an update changes a sum. Where a row counts, nothing compared here is null."""
    compared = [at] if amount == "1" else [at, amount]
    moved = " OR ".join(f"OLD.{column} <> NEW.{column}" for column in compared)
    old, new = counts.format("OLD"), counts.format("NEW")
    return f"{old} <> {new} OR ({old} AND {new} AND ({moved}))"


def _change(table: str, row: str, sign: int, condition: str = "") -> str:
    measure, _, at, amount = MEASURES[table]
    number = str(sign) if amount == "1" else f"{sign} * {row}.{amount}"
    and_condition = f" AND {condition}" if condition else ""
    if table == "invoices":
        given = f"SELECT {row}.integration_id, {_hour(f'{row}.{at}')}, '{measure}', '', {number}"
        return _insert(f"{given} WHERE true{and_condition}")
    given = f"SELECT integration_id, {_hour(f'{row}.{at}')}, '{measure}', currency, {number} FROM invoices"
    return _insert(f"{given} WHERE id = {row}.invoice_id{and_condition}")


def _applied(row: str) -> str:
    owner = f"coalesce({row}.integration_id, 0)"
    received = f"SELECT {owner}, {_hour(f'{row}.created_at')}, 'webhooks', '', 1 WHERE true"
    applied = f"SELECT {owner}, {_hour(f'{row}.processed_at')}, 'applied', '', 1 WHERE true"
    return f"{_insert(received)}; {_insert(applied)};"


def _event(row: str, sign: int) -> str:
    owner = f"coalesce({row}.integration_id, 0)"
    received = f"SELECT {owner}, {_hour(f'{row}.created_at')}, 'webhooks', '', {sign} WHERE {_is_done(row)}"
    applied = (
        f"SELECT {owner}, {_hour(f'{row}.processed_at')}, 'applied', '', {sign} "
        f"WHERE {row}.status = 'processed' AND {row}.processed_at IS NOT NULL"
    )
    return f"{_insert(received)}; {_insert(applied)};"


def _insert(rows: str) -> str:
    if _is_postgresql():
        return f"INSERT INTO hourly_sum_changes ({NAMES}) {rows}"
    return (
        f"INSERT INTO hourly_sums ({NAMES}) {rows} "
        "ON CONFLICT (integration_id, hour, measure, currency) DO UPDATE SET number = number + excluded.number"
    )


def _hour(moment: str) -> str:
    if _is_postgresql():
        return f"date_trunc('hour', {moment}, 'UTC')"
    return f"substr({moment}, 1, 13) || ':00:00.000000'"


def _of_events_on_postgresql() -> None:
    parts = [
        f"SELECT integration_id, {at} AS moment, '{measure}' AS measure, {sign} AS number FROM {rows} WHERE {counts}"
        for rows, sign in (("gone", -1), ("come", 1))
        for measure, at, counts in (
            ("webhooks", "created_at", f"status IN {DONE}"),
            ("applied", "processed_at", "status = 'processed' AND processed_at IS NOT NULL"),
        )
    ]
    change = _insert(
        f"SELECT coalesce(integration_id, 0), {_hour('moment')}, measure, '', sum(number) "
        f"FROM ({' UNION ALL '.join(parts)}) AS changed GROUP BY 1, 2, 3 HAVING sum(number) <> 0"
    )
    counted = [
        f"SELECT tenant_id, integration_id, event_type, status, {sign} AS number FROM {rows} WHERE status IN {DONE}"
        for rows, sign in (("gone", -1), ("come", 1))
    ]
    count = (
        "INSERT INTO event_count_changes (tenant_id, integration_id, event_type, status, number) "
        "SELECT coalesce(tenant_id, ''), coalesce(integration_id, 0), event_type, status, sum(number) "
        f"FROM ({' UNION ALL '.join(counted)}) AS changed GROUP BY 1, 2, 3, 4 HAVING sum(number) <> 0"
    )
    for when, body in (("inserted", _event("NEW", 1)), ("updated", f"{count}; {change};")):
        op.execute(
            f"CREATE OR REPLACE FUNCTION sum_webhook_events_{when}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {body} RETURN NULL; END $$"
        )
    op.execute(
        "CREATE TRIGGER sum_webhook_events_inserted AFTER INSERT ON webhook_events FOR EACH ROW "
        f"WHEN ({_is_done('NEW')}) EXECUTE FUNCTION sum_webhook_events_inserted()"
    )
    op.execute(
        "CREATE TRIGGER sum_webhook_events_updated AFTER UPDATE ON webhook_events "
        "REFERENCING OLD TABLE AS gone NEW TABLE AS come FOR EACH STATEMENT "
        "EXECUTE FUNCTION sum_webhook_events_updated()"
    )
    op.execute("DROP TRIGGER count_webhook_events_updated ON webhook_events")
