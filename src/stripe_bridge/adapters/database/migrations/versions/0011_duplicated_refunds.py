"""Refunds that were made twice at Stripe, until somebody has looked into them."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_IS_DUPLICATE = sa.text("duplicate_of IS NOT NULL")


def upgrade() -> None:
    op.add_column("refunds", sa.Column("duplicate_of", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_refunds_duplicates", "refunds", ["id"], sqlite_where=_IS_DUPLICATE, postgresql_where=_IS_DUPLICATE
    )


def downgrade() -> None:
    op.drop_index("ix_refunds_duplicates", "refunds")
    op.drop_column("refunds", "duplicate_of")
