"""The test servers themselves: what other tests rely on."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from tests.network import OutsideNetwork
from tests.servers.databases import PostgresDatabases, SqliteDatabases
from tests.servers.postgres import PostgresServer
from tests.servers.preloaded import start
from tests.servers.processes import stop
from tests.servers.redis import RedisServer
from tests.servers.shared import SharedServers
from tests.waiting import wait_until


def plain(url):
    return url.replace("+psycopg", "")


def make_table(url):
    with psycopg.connect(plain(url)) as connection:
        connection.execute("CREATE TABLE orders (id int)")


def test_each_postgres_database_is_a_fresh_copy_of_the_migrated_one(servers: SharedServers, worker):
    migrated = []

    def migrate(url):
        migrated.append(url)
        make_table(url)

    databases = PostgresDatabases(
        servers.postgres_url(), run=f"{servers.run}_{worker}", worker=worker, migrate=migrate
    )
    for _ in range(2):
        with databases.fresh() as url, psycopg.connect(plain(url)) as connection:
            assert connection.execute("SELECT count(*) FROM orders").fetchone() == (0,)
            connection.execute("INSERT INTO orders VALUES (1)")
            connection.commit()
    assert len(migrated) == 1


def test_each_sqlite_database_is_a_fresh_copy_of_the_migrated_one(tmp_path):
    def migrate(url):
        Path(url.removeprefix("sqlite:///")).write_text("migrated")

    databases = SqliteDatabases(tmp_path, migrate=migrate)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        path = Path(databases.fresh(tmp_path / name).removeprefix("sqlite:///"))
        assert path.read_text() == "migrated"
        path.write_text("used")


@pytest.mark.slow
def test_a_killed_postgres_starts_again_with_what_was_committed(own_postgres: PostgresServer):
    make_table(own_postgres.url())
    own_postgres.kill()
    own_postgres.start()
    with psycopg.connect(plain(own_postgres.url())) as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (0,)


def test_a_killed_redis_starts_again_empty_on_its_port(own_redis: RedisServer):
    with redis.Redis.from_url(own_redis.url()) as client:
        client.set("key", "value")
        own_redis.kill()
        own_redis.start()
        assert client.get("key") is None


def test_every_redis_test_begins_with_an_empty_database(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0


def test_a_server_ends_with_the_process_that_started_it(tmp_path):
    program = (
        "from tests.servers.redis import RedisServer\n"
        "server = RedisServer(); server.start(); print(server.port, flush=True); input()"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with starter:
        assert starter.stdout
        port = int(starter.stdout.readline())
        starter.kill()
    wait_until(lambda: not is_listening(port))


def test_a_forked_command_has_its_own_environment_output_and_status(tmp_path):
    show = "import os; print(dict(os.environ))"
    found = start("timeit", "-n1", "-r1", show, log=tmp_path / "found", env={"ITS": "own"})
    refused = start("calendar", "no-year", log=tmp_path / "refused", env={})
    assert (found.wait(60), refused.wait(60)) == (0, 2)
    assert (tmp_path / "found").read_text().startswith("{'ITS': 'own'}\n")
    assert "invalid int value: 'no-year'" in (tmp_path / "refused").read_text()


def test_a_forked_command_ends_by_the_signal_it_gets(tmp_path):
    serving = start("http.server", "0", "--bind", "127.0.0.1", log=tmp_path / "log", env={})
    with pytest.raises(subprocess.TimeoutExpired):
        serving.wait(0.1)
    assert stop(serving, signal.SIGKILL) == -signal.SIGKILL


def is_listening(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_a_test_cannot_reach_another_machine():
    with socket.socket() as client, pytest.raises(OutsideNetwork):
        client.connect(("192.0.2.1", 80))
    with pytest.raises(OutsideNetwork):
        socket.getaddrinfo("api.stripe.com", 443)


def test_a_test_cannot_open_a_port_to_other_machines():
    with socket.socket() as server, pytest.raises(OutsideNetwork):
        server.bind(("0.0.0.0", 0))


def test_the_wire_log_lies_where_the_environment_says(wire_log):
    assert wire_log.suffix == ".jsonl"
    assert str(wire_log).startswith(os.environ.get("WIRE_LOG_DIR", ""))
