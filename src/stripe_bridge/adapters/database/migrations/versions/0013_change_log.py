"""The change log: entries, the end of each tenant's, and which objects it has.

Only tables and columns: what exists already is recorded when it is next saved, and by a job.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# What repeats a column of these tables when the log has the object.
LOGGED: dict[str, tuple[str, Any]] = {
    "integrations": ("logged_version", sa.BigInteger()),
    "sales_orders": ("logged_updated_at", sa.DateTime(timezone=True)),
    "invoices": ("logged_version", sa.BigInteger()),
    "refunds": ("logged_version", sa.BigInteger()),
    "disputes": ("logged_version", sa.BigInteger()),
}
# Neither an update nor a delete, but taking out objects and salts.
FROZEN = (
    "tenant_id",
    "sequence",
    "id",
    "type",
    "subject_type",
    "subject_id",
    "sales_order_id",
    "integration_id",
    "occurred_at",
    "signed",
    "hash",
)
REFUSAL = "Entries of the change log are never changed."


def upgrade() -> None:
    op.create_table(
        "change_heads",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("log", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("oldest", sa.BigInteger(), nullable=False),
        sa.Column("is_complete", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_change_heads"),
    )
    op.create_table(
        "changes",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("subject_type", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("sales_order_id", sa.BigInteger(), nullable=True),
        sa.Column("integration_id", sa.BigInteger(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signed", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("salt", sa.String(), nullable=True),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "sequence", name="pk_changes"),
    )
    has_order = sa.text("sales_order_id IS NOT NULL")
    op.create_index(
        "ix_changes_order",
        "changes",
        ["tenant_id", "sales_order_id", "sequence"],
        sqlite_where=has_order,
        postgresql_where=has_order,
    )
    op.create_table(
        "act_windows",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_act_windows"),
    )
    op.create_index("ix_act_windows_ends_at", "act_windows", ["ends_at"])
    for table, (name, type_) in LOGGED.items():
        op.add_column(table, sa.Column(name, type_, nullable=True))
    op.add_column("invoices", sa.Column("overdue_for", sa.DateTime(timezone=True), nullable=True))
    may_be_overdue = sa.text("status = 'open' AND overdue_for IS NULL")
    op.create_index(
        "ix_invoices_due",
        "invoices",
        ["due_date", "id"],
        sqlite_where=may_be_overdue,
        postgresql_where=may_be_overdue,
    )
    op.create_table(
        "change_backfill",
        sa.Column("subject_type", sa.String(), nullable=False),
        sa.Column("cursor", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("pass_number", sa.BigInteger(), nullable=False),
        sa.Column("found_in_pass", sa.BigInteger(), nullable=False),
        sa.Column("recorded", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("subject_type", name="pk_change_backfill"),
    )
    op.add_column("intents", sa.Column("origin", sa.JSON(none_as_null=True), nullable=True))
    _forbid_changes()


def downgrade() -> None:
    op.drop_table("change_backfill")
    op.drop_index("ix_invoices_due", "invoices")
    op.drop_column("invoices", "overdue_for")
    for table, (name, _) in LOGGED.items():
        op.drop_column(table, name)
    op.drop_column("intents", "origin")
    op.drop_table("changes")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change_of_log()")
    op.drop_table("change_heads")
    op.drop_table("act_windows")


def _forbid_changes() -> None:
    same = [f"NEW.{name} IS NOT DISTINCT FROM OLD.{name}" for name in FROZEN]
    if op.get_bind().dialect.name == "postgresql":
        purges = " AND ".join([*same, "NEW.content IS NULL", "NEW.salt IS NULL"])
        op.execute(
            "CREATE OR REPLACE FUNCTION refuse_change_of_log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF TG_OP = 'UPDATE' AND {purges} THEN RETURN NEW; END IF; "
            f"RAISE EXCEPTION '{REFUSAL}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER changes_are_final BEFORE UPDATE OR DELETE ON changes "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change_of_log()"
        )
        return
    differs = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in FROZEN)
    op.execute(
        "CREATE TRIGGER changes_are_final_update BEFORE UPDATE ON changes "
        f"WHEN {differs} OR NEW.content IS NOT NULL OR NEW.salt IS NOT NULL "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    )
    op.execute(
        "CREATE TRIGGER changes_are_final_delete BEFORE DELETE ON changes "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    )
