"""What works off what the web processes leave."""

from __future__ import annotations

from stripe_bridge.adapters.metrics import share_with_siblings
from stripe_bridge.adapters.system import freeze_gc
from stripe_bridge.adapters.worker import DeliveryWorker, InProcessWorker, Jobs, attach_to_dramatiq
from stripe_bridge.adapters.worker import run_worker as run_worker_process
from stripe_bridge.bootstrap.metrics_page import metrics_page, serve_metrics_of_siblings
from stripe_bridge.bootstrap.service import Service, check_encryption_key, service_or_exit


def worker_of(service: Service) -> InProcessWorker:
    """Sweeps, delivers changes, and does what this process is nudged for; the latter, with a broker, in dramatiq's threads."""
    return InProcessWorker(
        Jobs(service.bridge),
        service.mailbox,
        threads=1 if service.broker is not None else service.settings.worker_threads,
        sweep_seconds=service.settings.sweep_seconds,
        companions=[DeliveryWorker(service.bridge.subscribers, service.committed)],
    )


def run_worker(service: Service) -> None:
    """Run a worker process until it is stopped."""
    service.load()
    check_encryption_key(service.settings)
    page = metrics_page(service.settings, service.metrics.render_counters)
    if page is not None:
        page.start()
    freeze_gc()
    run_worker_process(
        Jobs(service.bridge),
        worker_of(service),
        broker=service.broker,
        threads=service.settings.worker_threads,
    )


def start_worker() -> None:
    """For dramatiq's own command, which calls this in each of its processes and then works with the broker set here."""
    # Before anything counts.
    share_with_siblings()
    service = service_or_exit()
    if service.broker is None:
        raise SystemExit(
            "REDIS_URL is missing: without Redis, run `stripe-bridge worker` instead of dramatiq."
        )
    check_encryption_key(service.settings)
    freeze_gc()
    attach_to_dramatiq(
        service.broker,
        Jobs(service.bridge),
        worker_of(service),
        beside=[serve_metrics_of_siblings] if service.settings.worker_metrics_port else [],
    )
