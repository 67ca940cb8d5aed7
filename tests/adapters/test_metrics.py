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


def told(**env: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={**os.environ, **env}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_processes_that_share_a_folder_tell_their_sum(tmp_path: Path):
    told(PROMETHEUS_MULTIPROC_DIR=str(tmp_path))
    assert 'stripe_bridge_webhooks_total{outcome="stored"} 2.0' in told(
        PROMETHEUS_MULTIPROC_DIR=str(tmp_path)
    )


def test_what_was_read_before_is_not_told_again(tmp_path: Path):
    """Neither this process's, nor that of a process that has ended."""
    told(PROMETHEUS_MULTIPROC_DIR=str(tmp_path))

    shown = told(PROMETHEUS_MULTIPROC_DIR=str(tmp_path))

    assert [line for line in shown.splitlines() if line.startswith("stripe_bridge_database_up")] == [
        "stripe_bridge_database_up 0.0"
    ]
    assert "queue_up" not in shown


def test_a_process_alone_tells_its_own():
    assert 'stripe_bridge_webhooks_total{outcome="stored"} 1.0' in told()
