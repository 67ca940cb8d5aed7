"""redis-py, without what it would load unasked.

If OpenTelemetry's SDK is installed, redis-py imports it for metrics of its own that nobody reads here, which costs each
process some megabytes and a tenth of a second at startup. This package imports this module before anything else.
"""

import sys

_SDK = "opentelemetry"
_IS_WANTED = _SDK in sys.modules
if not _IS_WANTED:
    # Makes importing it fail, so that redis-py takes it as not installed.
    sys.modules[_SDK] = None  # type: ignore[assignment]  # the documented way to block an import

import redis  # noqa: E402  # only now

if not _IS_WANTED:
    del sys.modules[_SDK]

__all__ = ["redis"]
