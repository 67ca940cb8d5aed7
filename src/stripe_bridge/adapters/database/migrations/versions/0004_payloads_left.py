"""Payloads left: of events that were not done with when it was their turn to be let go of.

Those that were passed by before there was this list are looked for once.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "payloads_left",
        sa.Column("event_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_payloads_left"),
    )
    op.execute(
        "INSERT INTO payloads_left (event_id) SELECT id FROM webhook_events "
        "WHERE id <= (SELECT up_to_event_id FROM forgotten_payloads) AND length(payload) > 0"
    )


def downgrade() -> None:
    op.drop_table("payloads_left")
