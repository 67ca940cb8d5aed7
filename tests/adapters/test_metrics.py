"""Counters of several processes are shown as one."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from datetime import UTC, datetime
from stripe_bridge.adapters.metrics import PrometheusMetrics
from stripe_bridge.ports.metrics import Backlog, QueueDepth

nothing = QueueDepth(by_status={}, oldest_at=None)
quiet = Backlog(events=nothing, intents=nothing, measured_at=datetime.now(UTC), queue={"drain_inbox": 0})

measurements = PrometheusMetrics()
measurements.webhook("stored")
measurements.render(quiet)
sys.stdout.write(measurements.render(None).decode())
"""


def reported(**env: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={**os.environ, **env}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_processes_that_share_a_folder_expose_their_sum(tmp_path: Path):
    reported(PROMETHEUS_MULTIPROC_DIR=str(tmp_path))
    assert 'stripe_bridge_webhooks_total{outcome="stored"} 2.0' in reported(
        PROMETHEUS_MULTIPROC_DIR=str(tmp_path)
    )


def test_values_of_ended_processes_are_not_counted_twice(tmp_path: Path):
    """Neither this process's, nor that of a process that has ended."""
    reported(PROMETHEUS_MULTIPROC_DIR=str(tmp_path))

    shown = reported(PROMETHEUS_MULTIPROC_DIR=str(tmp_path))

    assert [line for line in shown.splitlines() if line.startswith("stripe_bridge_database_up")] == [
        "stripe_bridge_database_up 0.0"
    ]
    assert "queue_up" not in shown


def test_a_single_process_exposes_its_own_metrics():
    assert 'stripe_bridge_webhooks_total{outcome="stored"} 1.0' in reported()
