"""The tenant's list of invoices, with its look-ups; what a payment was made with; who had an invoice voided; where a
refund came from.

The table is written for every payment, so each index counts. There is none for Stripe's ids, to which the links lead, and the
one by status leaves out the paid invoices: they are nearly all there are, so they are found without. While the indexes are
made, events are received but not applied; for a million invoices that is seconds.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

COLUMNS = (
    ("invoices", "voided_by", sa.JSON()),
    ("payments", "method", sa.String()),
    ("refunds", "source", sa.String()),
)
INDEXES = (
    ("ix_invoices_tenant", ["tenant_id", "id"]),
    ("ix_invoices_tenant_number", ["tenant_id", "number"]),
    ("ix_invoices_tenant_updated_at", ["tenant_id", "updated_at", "id"]),
)
IS_NOT_PAID = sa.text("status IN ('draft', 'open', 'reserved', 'uncollectible', 'void')")


def upgrade() -> None:
    for table, name, kind in COLUMNS:
        op.add_column(table, sa.Column(name, kind, nullable=True))
    for name, columns in INDEXES:
        op.create_index(name, "invoices", columns)
    op.create_index(
        "ix_invoices_tenant_status",
        "invoices",
        ["tenant_id", "status", "id"],
        sqlite_where=IS_NOT_PAID,
        postgresql_where=IS_NOT_PAID,
    )


def downgrade() -> None:
    op.drop_index("ix_invoices_tenant_status", "invoices")
    for name, _ in reversed(INDEXES):
        op.drop_index(name, "invoices")
    for table, name, _ in reversed(COLUMNS):
        op.drop_column(table, name)
