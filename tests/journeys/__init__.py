"""A package, so that what its tests share stops when the next test is elsewhere."""
