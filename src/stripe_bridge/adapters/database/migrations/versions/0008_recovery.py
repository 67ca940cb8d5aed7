"""Recovery: what is known of a restore, and orders that stand in until the ERP submits them again."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recovery_holds",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stripe_invoice_id", sa.String(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "account_id", name="pk_recovery_holds"),
    )
    op.create_table(
        "unresolved_invoices",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("stripe_invoice_id", sa.String(), nullable=False),
        sa.Column("other_stripe_invoice_id", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("sales_order_id", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "stripe_invoice_id", name="pk_unresolved_invoices"),
    )
    op.create_index("ix_unresolved_invoices_order", "unresolved_invoices", ["tenant_id", "sales_order_id"])
    op.create_table(
        "signing_keys",
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stripe_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_signing_keys"),
    )
    # An earlier release, which may still be writing, knows only submitted ones.
    op.add_column(
        "sales_orders", sa.Column("submitted", sa.Boolean(), nullable=False, server_default=sa.true())
    )


def downgrade() -> None:
    # The orders that only stand in have invoices, and stay.
    with op.batch_alter_table("sales_orders") as table:
        table.drop_column("submitted")
    op.drop_table("signing_keys")
    op.drop_table("unresolved_invoices")
    op.drop_table("recovery_holds")
