"""redis-py, without what it would load unasked.

Wherever OpenTelemetry's SDK is installed, redis-py imports it for metrics of its own that nobody reads here: some megabytes
for each process, and a tenth of a second at its start. This package imports this module before all else.
"""

import sys

_SDK = "opentelemetry"
_IS_WANTED = _SDK in sys.modules
if not _IS_WANTED:
    # Makes an import of it fail, which redis-py takes for not installed.
    sys.modules[_SDK] = None  # type: ignore[assignment]  # the documented way to block an import

import redis  # noqa: E402  # only now

if not _IS_WANTED:
    del sys.modules[_SDK]

__all__ = ["redis"]
