"""The metrics of workers, on a port of their own. Loads little: dramatiq runs it in a process beside its workers."""

from __future__ import annotations

import os
from collections.abc import Callable

from stripe_bridge.adapters.logs import configure_logging
from stripe_bridge.adapters.metrics import MetricsPage, render_shared, share_with_siblings
from stripe_bridge.config import Settings


def metrics_page(settings: Settings, render: Callable[[], bytes]) -> MetricsPage | None:
    """None if the settings want none. Exits if the port is taken."""
    if not settings.worker_metrics_port or settings.metrics_token is None:
        return None
    try:
        return MetricsPage(settings.worker_metrics_port, token=settings.metrics_token, render=render)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SystemExit(f"Cannot listen on port {settings.worker_metrics_port}: {reason}") from None


def serve_metrics_of_siblings() -> int:
    """For dramatiq's command: what all of its workers counted. Returns the status to exit with."""
    settings = Settings.from_env(os.environ)
    configure_logging(settings.log_level, json=settings.log_format == "json")
    folder = share_with_siblings()
    page = metrics_page(settings, lambda: b"" if folder is None else render_shared(folder))
    if page is not None:
        page.serve_forever()
    return 0
