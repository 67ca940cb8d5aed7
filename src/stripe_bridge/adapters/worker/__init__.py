"""Running jobs: in threads of this process, or as dramatiq's actors."""

from stripe_bridge.adapters.worker.actors import attach_to_dramatiq
from stripe_bridge.adapters.worker.deliveries import DeliveryWorker
from stripe_bridge.adapters.worker.in_process import InProcessWorker
from stripe_bridge.adapters.worker.jobs import Jobs
from stripe_bridge.adapters.worker.process import run_worker

__all__ = ["DeliveryWorker", "InProcessWorker", "Jobs", "attach_to_dramatiq", "run_worker"]
