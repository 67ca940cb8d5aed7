"""Sessions of the panel in the ERP's pages."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "panel_sessions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("sales_order_id", sa.BigInteger(), nullable=False),
        sa.Column("can", sa.JSON(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("creator", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("api_token_id", _ID, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_panel_sessions"),
        sa.UniqueConstraint("token_hash", name="uq_panel_sessions_token_hash"),
        sa.ForeignKeyConstraint(["api_token_id"], ["api_tokens.id"], name="fk_panel_sessions_api_token_id"),
        sa.CheckConstraint(
            "role IN ('admin', 'member', 'power_user', 'viewer')", name=op.f("ck_panel_sessions_role")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_panel_sessions_expires_at", "panel_sessions", ["expires_at"])


def downgrade() -> None:
    op.drop_table("panel_sessions")
