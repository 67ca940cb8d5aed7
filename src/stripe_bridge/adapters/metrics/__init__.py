"""Metrics in the format of Prometheus: of one process, or of several that share a folder."""

from stripe_bridge.adapters.metrics.page import MetricsPage
from stripe_bridge.adapters.metrics.prometheus import PrometheusMetrics, render_shared
from stripe_bridge.adapters.metrics.shared_folder import remove_folder_of_children, share_with_siblings

__all__ = [
    "MetricsPage",
    "PrometheusMetrics",
    "remove_folder_of_children",
    "render_shared",
    "share_with_siblings",
]
