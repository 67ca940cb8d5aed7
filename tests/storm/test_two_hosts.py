"""A host that is cut off, longer than anything waits for it, holds nobody up, loses nothing and comes back by itself."""

import os
import subprocess
import sys

import pytest

from tests.servers.processes import ROOT
from tests.storm.network import isolated, reason_against


@pytest.mark.slow
@pytest.mark.servers
def test_two_hosts_that_are_cut_off_in_turn_lose_nothing_and_do_nothing_twice():
    if reason := reason_against():
        pytest.skip(f"no networks of their own here: {reason}")
    storm = isolated([sys.executable, "-m", "tests.storm.two_hosts"])
    done = subprocess.run(storm, env={**os.environ, "SIZE": "32"}, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("orders done meanwhile") == 4
