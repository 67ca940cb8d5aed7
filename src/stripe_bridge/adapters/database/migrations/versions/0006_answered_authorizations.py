"""What became of an authorization, so that a callback that is loaded again is answered as before."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("oauth_states", sa.Column("code_hash", sa.String(), nullable=True))
    op.add_column("oauth_states", sa.Column("connected_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("oauth_states", "connected_at")
    op.drop_column("oauth_states", "code_hash")
