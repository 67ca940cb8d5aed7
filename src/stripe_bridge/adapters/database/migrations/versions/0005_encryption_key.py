"""The fingerprint of the encryption key in use, so that a process with another key is noticed.

It is stored by the first process that starts with a key that opens what is stored.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "encryption_key",
        sa.Column("id", sa.SmallInteger(), nullable=False, autoincrement=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_encryption_key_single")),
        sa.PrimaryKeyConstraint("id", name="pk_encryption_key"),
    )


def downgrade() -> None:
    op.drop_table("encryption_key")
