"""When Stripe confirmed what an invoice counts for, when it is to be asked, and when it contradicted an event.

Invoices that were paid before are unconfirmed until the daily reconciling comes to them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

COLUMNS = ("confirmed_at", "confirm_due_at", "contradicted_at")
INDEXES = (
    ("ix_invoices_settled", ["stripe_account_id", "confirmed_at", "id"], "status IN ('paid')"),
    ("ix_invoices_unconfirmed", ["confirm_due_at", "id"], "confirm_due_at IS NOT NULL"),
    ("ix_invoices_contradicted", ["contradicted_at", "id"], "contradicted_at IS NOT NULL"),
)


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("invoices", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    for name, columns, condition in INDEXES:
        where = sa.text(condition)
        op.create_index(name, "invoices", columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    for name, _, _ in reversed(INDEXES):
        op.drop_index(name, "invoices")
    for name in reversed(COLUMNS):
        op.drop_column("invoices", name)
