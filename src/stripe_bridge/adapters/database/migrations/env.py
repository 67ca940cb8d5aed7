"""Run by Alembic, on the connection that `migrating` opened."""

from typing import Any, Literal

from alembic import context
from sqlalchemy.types import TypeDecorator


def render_item(kind: str, item: Any, _autogenerating: Any) -> str | Literal[False]:
    """A migration names the database's types and none of ours, which may change after it was written."""
    return f"sa.{item.impl_instance!r}" if kind == "type" and isinstance(item, TypeDecorator) else False


attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    target_metadata=attributes["metadata"],
    # SQLite cannot alter most of a table: a batch makes it anew.
    render_as_batch=True,
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()
