"""What is stored, by aggregate. Everything here happens inside a unit of work.

`get` raises the NotFound of its aggregate, `find` may return None. `lock=True` keeps everybody else from changing the row
until the transaction ends. `add` returns the aggregate with its new id (the given one is ignored). `save` raises StaleWrite
if the row no longer has the version that was read, and returns the aggregate with its new version. After a Conflict raised
by `add`, or AccountInUse raised by `save`, the unit of work stays usable; after any other Conflict raised by `save` it can
only be left.
"""
