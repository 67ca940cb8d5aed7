"""Replays of webhook events: who asked for which, and how far they have come."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_IS_RUNNING = "status IN ('running')"


def upgrade() -> None:
    op.create_table(
        "replays",
        sa.Column("id", _ID, nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=True),
        sa.Column("origin", sa.JSON(), nullable=False),
        sa.Column("filter", sa.JSON(), nullable=False),
        sa.Column("limit", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("event_ids", sa.JSON(), nullable=False),
        sa.Column("planned", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("queued", sa.BigInteger(), nullable=False),
        sa.Column("being_processed", sa.BigInteger(), nullable=False),
        sa.Column("purged", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("canceled_by", sa.JSON(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("status IN ('canceled', 'completed', 'running')", name=op.f("ck_replays_status")),
        sa.CheckConstraint("position >= 0", name=op.f("ck_replays_position")),
        sa.CheckConstraint("queued >= 0", name=op.f("ck_replays_queued")),
        sa.CheckConstraint("being_processed >= 0", name=op.f("ck_replays_being_processed")),
        sa.CheckConstraint("purged >= 0", name=op.f("ck_replays_purged")),
        sa.PrimaryKeyConstraint("id", name="pk_replays"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_replays_running",
        "replays",
        ["digest"],
        unique=True,
        sqlite_where=sa.text(_IS_RUNNING),
        postgresql_where=sa.text(_IS_RUNNING),
    )
    op.create_index("ix_replays_tenant", "replays", ["tenant_id", "id"])


def downgrade() -> None:
    op.drop_table("replays")
