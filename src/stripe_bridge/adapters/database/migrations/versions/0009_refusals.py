"""What Stripe said when it refused a call, so that asking again gets the same answer; and how far payments are."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_COLUMNS = (
    ("intents", "refusal", sa.JSON()),
    ("invoices", "failure", sa.JSON()),
    ("invoices", "payment_progress", sa.String()),
    ("invoices", "payment_failure_reason", sa.String()),
    ("payments", "progress", sa.String()),
    ("payments", "failure_reason", sa.String()),
    ("refunds", "refusal", sa.JSON()),
)


def upgrade() -> None:
    for table, name, kind in _COLUMNS:
        op.add_column(table, sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    for table, name, _ in reversed(_COLUMNS):
        op.drop_column(table, name)
