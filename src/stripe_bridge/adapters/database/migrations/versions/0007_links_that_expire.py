"""When the links to an invoice were made, and when Stripe was last asked for new ones.

Those of existing invoices are taken to be as old as the finalized invoice.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

COLUMNS = ("links_made_at", "links_asked_at")


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("invoices", sa.Column(name, sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for name in COLUMNS:
        op.drop_column("invoices", name)
