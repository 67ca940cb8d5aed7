"""What became of an authorization, so that a callback that is loaded again is answered as before; and its confirmation."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_COLUMNS = (
    "code_hash",
    "connected_at",
    "needs_confirmation",
    "sealed_code",
    "confirmation_hash",
    "confirmed_at",
)


def upgrade() -> None:
    op.add_column("oauth_states", sa.Column("code_hash", sa.String(), nullable=True))
    op.add_column("oauth_states", sa.Column("connected_at", sa.DateTime(timezone=True), nullable=True))
    # The earlier release, which may still be serving, does not know it.
    op.add_column(
        "oauth_states",
        sa.Column("needs_confirmation", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("oauth_states", sa.Column("sealed_code", sa.String(), nullable=True))
    op.add_column("oauth_states", sa.Column("confirmation_hash", sa.String(), nullable=True))
    op.add_column("oauth_states", sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("uq_oauth_states_confirmation", "oauth_states", ["confirmation_hash"], unique=True)


def downgrade() -> None:
    op.drop_index("uq_oauth_states_confirmation", "oauth_states")
    for column in reversed(_COLUMNS):
        op.drop_column("oauth_states", column)
