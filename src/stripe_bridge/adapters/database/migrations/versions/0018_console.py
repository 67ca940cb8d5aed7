"""Sessions of the console, the links that begin them, and what requests left behind."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ROLES = "role IN ('admin', 'member', 'power_user', 'viewer')"
_PERSON = "(tenant_id IS NULL) = (role IS NULL)"


def upgrade() -> None:
    op.create_table(
        "console_links",
        sa.Column("id", _ID, nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=True),
        sa.Column("role", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_console_links"),
        sa.UniqueConstraint("token_hash", name="uq_console_links_token_hash"),
        sa.CheckConstraint(_ROLES, name=op.f("ck_console_links_role")),
        sa.CheckConstraint(_PERSON, name=op.f("ck_console_links_person")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_console_links_expires_at", "console_links", ["expires_at"])
    op.create_table(
        "console_sessions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=True),
        sa.Column("role", sa.String(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("is_vouched_for", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_console_sessions"),
        sa.UniqueConstraint("token_hash", name="uq_console_sessions_token_hash"),
        sa.CheckConstraint(_ROLES, name=op.f("ck_console_sessions_role")),
        sa.CheckConstraint(_PERSON, name=op.f("ck_console_sessions_person")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_console_sessions_expires_at", "console_sessions", ["expires_at"])
    op.create_table(
        "request_traces",
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("object_id", sa.BigInteger(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("request_id", "tenant_id", "kind", "object_id", name="pk_request_traces"),
        sa.CheckConstraint("kind IN ('change', 'intent')", name=op.f("ck_request_traces_kind")),
    )
    op.create_index("ix_request_traces_noted_at", "request_traces", ["noted_at"])


def downgrade() -> None:
    op.drop_table("request_traces")
    op.drop_table("console_sessions")
    op.drop_table("console_links")
