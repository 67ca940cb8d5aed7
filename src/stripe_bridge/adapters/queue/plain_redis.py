"""redis-py, without what it would load unasked.

If OpenTelemetry is installed, redis-py imports 61 modules of it for metrics of its own that are not collected here, also when
tracing is off. Measured with redis-py 8.1 and OpenTelemetry 1.45: 2.6 MB of each process's 119, and 0.13 s of the 1.0 s of CPU
time that importing the service takes. So this module is imported before anything else that needs redis-py: by this package,
and by bootstrap before the rate limits, whose library needs it, too.
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
