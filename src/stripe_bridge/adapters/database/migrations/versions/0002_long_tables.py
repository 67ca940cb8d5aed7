"""Long tables: totals on the side, and payloads that are let go of.

Lists tell how long they are without counting their rows.

Triggers append every change of a status to a table that nobody waits for; workers fold it into the totals. So no way of
writing can forget to count, and no two transactions meet in one row.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# What still waits is counted row by row, by its own small index.
DONE = "('failed', 'processed', 'skipped')"
EVENT = ("tenant_id", "integration_id", "event_type", "status")
INVOICE = ("integration_id", "status")
TYPES: dict[str, Any] = {
    "tenant_id": sa.String(),
    "integration_id": sa.BigInteger(),
    "event_type": sa.String(),
    "status": sa.String(),
}


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        # What changed between being counted and having its trigger would never be counted: nobody writes meanwhile.
        op.execute("LOCK TABLE webhook_events, invoices IN SHARE ROW EXCLUSIVE MODE")
    for name, columns in (("event", EVENT), ("invoice", INVOICE)):
        op.create_table(
            f"{name}_counts",
            *(sa.Column(column, TYPES[column], nullable=False, autoincrement=False) for column in columns),
            sa.Column("number", sa.BigInteger(), nullable=False),
            sa.PrimaryKeyConstraint(*columns, name=f"pk_{name}_counts"),
        )
        op.create_table(
            f"{name}_count_changes",
            sa.Column("id", ID, nullable=False),
            *(sa.Column(column, TYPES[column], nullable=False) for column in columns),
            sa.Column("number", sa.BigInteger(), nullable=False),
            sa.PrimaryKeyConstraint("id", name=f"pk_{name}_count_changes"),
            sqlite_autoincrement=True,
        )
    op.create_table(
        "forgotten_payloads",
        sa.Column("up_to_event_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("up_to_event_id", name="pk_forgotten_payloads"),
    )
    op.execute("INSERT INTO forgotten_payloads (up_to_event_id) VALUES (0)")
    op.execute(
        "INSERT INTO event_counts (tenant_id, integration_id, event_type, status, number) "
        "SELECT coalesce(tenant_id, ''), coalesce(integration_id, 0), event_type, status, count(*) "
        f"FROM webhook_events WHERE status IN {DONE} GROUP BY 1, 2, 3, 4"
    )
    op.execute(
        "INSERT INTO invoice_counts (integration_id, status, number) "
        "SELECT integration_id, status, count(*) FROM invoices GROUP BY 1, 2"
    )
    if op.get_bind().dialect.name == "postgresql":
        _triggers_on_postgresql()
        _keep_payloads_apart()
    else:
        _triggers_on_sqlite()


def downgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for table in ("webhook_events", "invoices"):
        for when in ("inserted", "updated"):
            on = f" ON {table}" if is_postgresql else ""
            op.execute(f"DROP TRIGGER count_{table}_{when}{on}")
        if is_postgresql:
            op.execute(f"DROP FUNCTION count_{table}()")
    op.drop_table("forgotten_payloads")
    for name in ("event", "invoice"):
        op.drop_table(f"{name}_count_changes")
        op.drop_table(f"{name}_counts")


def _event(row: str, number: str) -> str:
    return (
        f"INSERT INTO event_count_changes (tenant_id, integration_id, event_type, status, number) SELECT "
        f"coalesce({row}.tenant_id, ''), coalesce({row}.integration_id, 0), {row}.event_type, {row}.status, "
        f"{number} WHERE {row}.status IN {DONE};"
    )


def _invoice(row: str, number: str) -> str:
    return (
        "INSERT INTO invoice_count_changes (integration_id, status, number) "
        f"VALUES ({row}.integration_id, {row}.status, {number});"
    )


def _triggers_on_postgresql() -> None:
    for table, change in (("webhook_events", _event), ("invoices", _invoice)):
        op.execute(
            f"CREATE OR REPLACE FUNCTION count_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF TG_OP = 'UPDATE' THEN {change('OLD', '-1')} END IF; {change('NEW', '1')} RETURN NULL; END $$"
        )
    op.execute(
        "CREATE TRIGGER count_webhook_events_inserted AFTER INSERT ON webhook_events FOR EACH ROW "
        f"WHEN (NEW.status IN {DONE}) EXECUTE FUNCTION count_webhook_events()"
    )
    op.execute(
        "CREATE TRIGGER count_webhook_events_updated AFTER UPDATE OF status, tenant_id, integration_id "
        f"ON webhook_events FOR EACH ROW WHEN (OLD.status IN {DONE} OR NEW.status IN {DONE}) "
        "EXECUTE FUNCTION count_webhook_events()"
    )
    op.execute(
        "CREATE TRIGGER count_invoices_inserted AFTER INSERT ON invoices FOR EACH ROW "
        "EXECUTE FUNCTION count_invoices()"
    )
    op.execute(
        "CREATE TRIGGER count_invoices_updated AFTER UPDATE OF status ON invoices FOR EACH ROW "
        "WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION count_invoices()"
    )


def _triggers_on_sqlite() -> None:
    op.execute(
        "CREATE TRIGGER count_webhook_events_inserted AFTER INSERT ON webhook_events "
        f"WHEN NEW.status IN {DONE} BEGIN {_event('NEW', '1')} END"
    )
    op.execute(
        "CREATE TRIGGER count_webhook_events_updated AFTER UPDATE OF status, tenant_id, integration_id "
        f"ON webhook_events WHEN OLD.status IN {DONE} OR NEW.status IN {DONE} "
        f"BEGIN {_event('OLD', '-1')} {_event('NEW', '1')} END"
    )
    op.execute(
        f"CREATE TRIGGER count_invoices_inserted AFTER INSERT ON invoices BEGIN {_invoice('NEW', '1')} END"
    )
    op.execute(
        "CREATE TRIGGER count_invoices_updated AFTER UPDATE OF status ON invoices "
        f"WHEN OLD.status <> NEW.status BEGIN {_invoice('OLD', '-1')} {_invoice('NEW', '1')} END"
    )


def _keep_payloads_apart() -> None:
    """Out of the row, which changes its status twice and would take the payload along each time."""
    op.execute("ALTER TABLE webhook_events SET (toast_tuple_target = 128)")
    settings = "SELECT 'lz4' = ANY(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"
    if op.get_bind().execute(sa.text(settings)).scalar():
        op.execute("ALTER TABLE webhook_events ALTER COLUMN payload SET COMPRESSION lz4")
