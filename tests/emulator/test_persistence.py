"""State that outlives the process, and the stand-alone program."""

import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import stripe

from tests.emulator.conftest import client_of
from tests.emulator.shop import Shop
from tests.servers.processes import signal_another_thread


def test_state_survives_a_restart_with_everything_that_belongs_to_it(make_emulator, receiver, tmp_path):
    # Links show the second in which they are read.
    now = time.time()
    first = make_emulator(data_dir=tmp_path, clock=lambda: now)
    platform = client_of(first, first.settings.secret_key)
    endpoint: Any = {"url": receiver.url, "connect": True, "enabled_events": ["customer.created"]}
    platform.v1.webhook_endpoints.create(endpoint)
    account = first.control.create_account("Shop", connected=True)["id"]
    shop = Shop(first.control, platform, account)
    invoice, deleted = shop.paid(500), shop.draft(100)
    shop.v1.invoices.delete(deleted.id, {}, shop.options)
    made = shop.v1.customers.create({"name": "A"}, shop.keyed("k"))
    before = {kind: first.control.objects(kind) for kind in ("invoices", "accounts", "charges", "customers")}
    receiver.wait_for(3)
    first.emulator.deliverer.stop()
    first.emulator.close()
    second = make_emulator(data_dir=tmp_path, clock=lambda: now)
    assert {kind: second.control.objects(kind) for kind in before} == before
    again = Shop(second.control, client_of(second, second.settings.secret_key), account)
    assert again.read(invoice.id).status == "paid"
    assert again.v1.customers.create({"name": "A"}, again.keyed("k")).id == made.id
    again.customer()
    assert len(receiver.wait_for(4)) == 4
    assert str(again.open(500, customer=invoice.customer).number).endswith("-0002")


def test_deliveries_left_open_go_on_after_a_restart(make_emulator, receiver, tmp_path):
    first = make_emulator(data_dir=tmp_path, retry_base=0.2, retry_cap=0.2, retry_attempts=50)
    platform = client_of(first, first.settings.secret_key)
    platform.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["customer.created"]})
    receiver.answers = [503]
    platform.v1.customers.create({})
    receiver.wait_for(1)
    first.stop()
    assert len(receiver.requests) == 1
    make_emulator(data_dir=tmp_path)
    assert len({event["id"] for event in receiver.wait_for(2)}) == 1


class Program:
    """The emulator in its own process."""

    def __init__(self, *arguments: str, **environ: str) -> None:
        command = [sys.executable, "-m", "stripe_emulator", "--port", "0", *arguments]
        others = {name: value for name, value in os.environ.items() if not name.startswith("EMULATOR_")}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**others, **environ})
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().split()[-1]

    def client(self) -> stripe.StripeClient:
        addresses: Any = {"api": self.url, "connect": self.url}
        return stripe.StripeClient("sk_test_mine", base_addresses=addresses, max_network_retries=0)

    def end(self) -> int:
        self.process.terminate()
        status = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


@pytest.fixture
def run() -> Iterator[Callable[..., Program]]:
    programs: list[Program] = []

    def start(*arguments: str, **environ: str) -> Program:
        programs.append(Program(*arguments, **environ))
        return programs[-1]

    yield start
    for program in programs:
        if program.process.poll() is None:
            program.process.kill()
        program.end()


def test_the_program_takes_options_and_environment_keeps_its_state_and_ends_cleanly(run, tmp_path):
    first = run("--data-dir", str(tmp_path), EMULATOR_SECRET_KEY="sk_test_mine")
    customer = first.client().v1.customers.create({"name": "A"})
    assert first.end() == 0
    second = run("--secret-key", "sk_test_mine", EMULATOR_DATA_DIR=str(tmp_path))
    assert second.client().v1.customers.retrieve(customer.id).name == "A"
    assert len((tmp_path / "wire.jsonl").read_text().splitlines()) == 2
    second.process.send_signal(signal.SIGINT)
    assert second.process.wait(60) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can signal a thread of another process")
def test_a_signal_ends_the_program_whichever_thread_gets_it(run):
    program = run()

    signal_another_thread(program.process, signal.SIGTERM)

    assert program.process.wait(60) == 0


@pytest.mark.parametrize(("effect", "made"), [("crash_before", 0), ("crash_after", 1)])
def test_a_crash_on_command_keeps_what_was_done_before_it(run, tmp_path: pathlib.Path, effect, made):
    first = run("--data-dir", str(tmp_path), "--secret-key", "sk_test_mine")
    setting = {"calls": [{"effect": effect, "next": 1}]}
    requests.put(f"{first.url}/_emulator/misbehavior", json=setting, timeout=60)
    with pytest.raises(stripe.APIConnectionError):
        first.client().v1.customers.create({"name": "A"})
    assert first.process.wait(60) == 86
    second = run("--data-dir", str(tmp_path), "--secret-key", "sk_test_mine")
    assert len(second.client().v1.customers.list().data) == made


def test_two_emulators_in_one_process_know_nothing_of_each_other(make_emulator):
    first, second = make_emulator(), make_emulator()
    client_of(first, first.settings.secret_key).v1.customers.create({})
    assert second.control.objects("customers") == []
