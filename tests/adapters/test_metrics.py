"""Counters of several processes are shown as one."""

import os
import platform
import subprocess
import sys
from importlib.metadata import version
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


def reported(program: str = PROGRAM, **env: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **env}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_processes_that_share_a_folder_expose_their_sum(tmp_path: Path):
    reported(PROMETHEUS_MULTIPROC_DIR=str(tmp_path))
    assert 'stripe_bridge_webhooks_total{outcome="stored"} 2.0' in reported(
        PROMETHEUS_MULTIPROC_DIR=str(tmp_path)
    )


def test_a_process_takes_the_place_of_one_that_has_ended_and_its_counters(tmp_path: Path):
    """So that the folder does not grow with each restart."""
    reported(PROMETHEUS_MULTIPROC_DIR=str(tmp_path))
    files = sorted(tmp_path.iterdir())
    for _ in range(2):
        shown = reported(PROMETHEUS_MULTIPROC_DIR=str(tmp_path))
    assert sorted(tmp_path.iterdir()) == files
    assert 'stripe_bridge_webhooks_total{outcome="stored"} 3.0' in shown


def test_a_process_counts_for_itself_if_the_folder_cannot_be_used(tmp_path: Path):
    (tmp_path / "file").write_text("")
    shown = reported(PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "file"))
    assert 'stripe_bridge_webhooks_total{outcome="stored"} 1.0' in shown


FORKING = """
import os, sys
from stripe_bridge.adapters.metrics import PrometheusMetrics

metrics = PrometheusMetrics()
metrics.webhook("stored")
if os.fork() == 0:
    metrics.webhook("stored")
    metrics.webhook("stored")
    os._exit(0)
os.wait()
metrics.webhook("stored")
sys.stdout.write(metrics.render_counters().decode())
"""


def test_a_process_and_its_fork_count_apart_and_are_shown_together(tmp_path: Path):
    shown = reported(FORKING, PROMETHEUS_MULTIPROC_DIR=str(tmp_path))
    assert 'stripe_bridge_webhooks_total{outcome="stored"} 4.0' in shown
    assert 'process_resident_bytes{process="0"}' in shown
    assert 'process_resident_bytes{process="1"}' not in shown


STARTING = """
import multiprocessing
from stripe_bridge.adapters.metrics import share_with_siblings

if __name__ == "__main__":
    child = multiprocessing.get_context("fork").Process(target=share_with_siblings)
    child.start()
    child.join()
"""


def test_what_a_killed_service_left_behind_is_removed_at_the_next_start(tmp_path: Path):
    left, other = tmp_path / "stripe-bridge-metrics-1-0", tmp_path / "something-else"
    left.mkdir()
    other.mkdir()
    reported(STARTING, TMPDIR=str(tmp_path))
    assert not left.exists()
    assert other.exists()


def test_the_release_and_the_memory_of_the_process_are_shown():
    shown = reported()
    assert (
        f'stripe_bridge_build_info{{python="{platform.python_version()}",version="{version("stripe-bridge")}"}} 1.0'
        in shown
    )
    assert 'stripe_bridge_process_resident_bytes{process="0"}' in shown


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
