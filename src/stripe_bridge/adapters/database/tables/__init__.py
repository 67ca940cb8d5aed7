"""The tables, as SQLAlchemy maps them to rows."""
