"""The change log, read and checked: what was recorded of our own objects, in the order in which it became true."""
