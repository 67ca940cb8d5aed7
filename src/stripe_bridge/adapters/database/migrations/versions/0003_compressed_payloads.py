"""Compressed payloads: PostgreSQL need not try to compress them once more.

Those that are there stay as they are, and are read as they are.
"""

import sqlalchemy as sa
import zstandard
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_AT_ONCE = 1_000
_EVENTS = sa.table("webhook_events", sa.column("id", sa.BigInteger()), sa.column("payload", sa.LargeBinary()))


def upgrade() -> None:
    _keep_on_postgresql("EXTERNAL")


def downgrade() -> None:
    """Earlier releases know only what is not compressed."""
    last = 0
    while rows := op.get_bind().execute(_after(last)).all():
        for row in rows:
            if row.payload.startswith(zstandard.FRAME_HEADER):
                plain = zstandard.decompress(row.payload)
                op.execute(_EVENTS.update().where(_EVENTS.c.id == row.id).values(payload=plain))
        last = rows[-1].id
    _keep_on_postgresql("EXTENDED")


def _after(last: int) -> sa.Select[tuple[int, bytes]]:
    columns = _EVENTS.c
    return (
        sa.select(columns.id, columns.payload).where(columns.id > last).order_by(columns.id).limit(_AT_ONCE)
    )


def _keep_on_postgresql(how: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE webhook_events ALTER COLUMN payload SET STORAGE {how}")
