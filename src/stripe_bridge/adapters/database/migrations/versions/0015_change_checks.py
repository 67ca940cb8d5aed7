"""How far each change log has been checked, and a way to the newest entry of what belongs to no order.

Entries cannot be truncated either, where a database can do that without deleting.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_OF_NO_ORDER = sa.text("sales_order_id IS NULL")


def upgrade() -> None:
    op.create_index(
        "ix_changes_subject",
        "changes",
        ["tenant_id", "subject_type", "subject_id", "sequence"],
        sqlite_where=_OF_NO_ORDER,
        postgresql_where=_OF_NO_ORDER,
    )
    op.create_table(
        "change_checks",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fault_kind", sa.String(), nullable=True),
        sa.Column("fault_sequence", sa.BigInteger(), nullable=True),
        sa.Column("fault_what", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_change_checks"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER changes_are_final_truncate BEFORE TRUNCATE ON changes "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_log()"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER changes_are_final_truncate ON changes")
    op.drop_table("change_checks")
    op.drop_index("ix_changes_subject", "changes")
