"""Searching invoices and sales orders: by number, email, date and payment status.

Invoices are written for every payment, so they get no index by text but the one by number that there is: emails lead to them
through their customers, order numbers through their orders. On PostgreSQL text that is searched by how it begins is put in the
order of its bytes, in which a beginning is a range of an index, whatever the database's locale is. That rebuilds the indexes
of these columns, and nothing else; while this runs, events are received but not applied, which for a million invoices is
seconds.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

SEARCHED = (
    ("sales_orders", "number", False),
    ("billed_customers", "email", False),
    ("invoices", "number", True),
)
INDEXES = (
    ("sales_orders", "ix_sales_orders_number", ["tenant_id", "number", "id"]),
    ("billed_customers", "ix_billed_customers_email", ["tenant_id", "email", "id"]),
    ("invoices", "ix_invoices_tenant_created_at", ["tenant_id", "created_at", "id"]),
    ("invoices", "ix_invoices_customer", ["customer_id", "id"]),
    ("intents", "ix_intents_invoice", ["invoice_id", "id"]),
)
IS_BEING_PAID = sa.text(
    "(status IN ('draft', 'open', 'reserved', 'uncollectible', 'void')) "
    "AND (amount_paid > 0 OR payment_progress IN ('failed', 'pending'))"
)


def upgrade() -> None:
    _collate("C")
    for table, name, columns in INDEXES:
        op.create_index(name, table, columns)
    op.create_index(
        "ix_invoices_paying",
        "invoices",
        ["tenant_id", "id"],
        sqlite_where=IS_BEING_PAID,
        postgresql_where=IS_BEING_PAID,
    )


def downgrade() -> None:
    op.drop_index("ix_invoices_paying", "invoices")
    for table, name, _ in reversed(INDEXES):
        op.drop_index(name, table)
    _collate("default")


def _collate(collation: str) -> None:
    """SQLite compares text by its bytes anyway."""
    if op.get_bind().dialect.name == "postgresql":
        for table, column, nullable in SEARCHED:
            op.alter_column(
                table,
                column,
                existing_type=sa.String(),
                existing_nullable=nullable,
                type_=sa.String(collation=collation),
            )
