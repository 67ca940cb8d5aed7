"""The playground's settings."""

import json
import socket
import stat
import sys
from pathlib import Path

import pytest

from stripe_bridge_playground.faults import Fault
from stripe_bridge_playground.settings import Secrets, Settings, free_port, reserved_port, write_private


def test_without_any_setting_the_documented_ports_and_folder_are_used():
    settings = Settings.from_env({})
    assert (settings.service_url, settings.emulator_url) == (
        "http://127.0.0.1:8000",
        "http://127.0.0.1:12111",
    )
    assert settings.data_dir == Path.cwd() / "data"


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "80.5"])
def test_a_port_that_is_none_is_refused_by_name(port):
    with pytest.raises(Fault, match="EMULATOR_PORT"):
        Settings.from_env({"EMULATOR_PORT": port})


def test_one_port_for_both_is_refused():
    with pytest.raises(Fault, match="both 9000"):
        Settings.from_env({"PORT": "9000", "EMULATOR_PORT": "9000"})


def test_a_port_in_use_is_reported_with_the_setting_that_changes_it(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = Settings(port=other.getsockname()[1], emulator_port=1024, data_dir=tmp_path)
        with pytest.raises(Fault, match="PORT=…"):
            taken.check_ports()


def test_a_usual_port_is_taken_only_if_it_is_free():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        usual = other.getsockname()[1]
        assert free_port(usual) not in (0, usual)
    assert free_port(usual) == usual


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody could listen beside the reservation")
def test_a_reserved_port_is_only_for_who_asks_for_it_by_its_number():
    port = reserved_port()
    with socket.socket() as another, pytest.raises(OSError, match="in use"):
        another.bind(("127.0.0.1", port))
    with socket.create_server(("127.0.0.1", port)) as server, socket.create_connection(server.getsockname()):
        pass


def test_a_second_start_has_the_secrets_of_the_first(tmp_path):
    assert Secrets.of(tmp_path) == Secrets.of(tmp_path)


def test_two_folders_share_no_secret(tmp_path):
    (tmp_path / "other").mkdir()
    one, other = Secrets.of(tmp_path), Secrets.of(tmp_path / "other")
    assert one.encryption_key != other.encryption_key
    assert one.stripe_secret_key != other.stripe_secret_key


def test_what_is_written_privately_is_read_by_its_owner_alone(tmp_path):
    path = tmp_path / "run.json"
    path.write_text("{}")
    path.chmod(0o644)
    write_private(path, {"token": "secret"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text()) == {"token": "secret"}
    assert list(tmp_path.iterdir()) == [path]
