"""The fixtures for other projects' tests, as such a project has them: in a folder and a process of its own."""

import importlib.metadata
import pathlib
import re

import pytest

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.slow

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "emulator.md").read_text()
NAMED = 'pytest_plugins = ["stripe_emulator.testing"]\n'
# The application that the page's examples take for granted.
APP = """
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import stripe


class App:
    def __init__(self):
        self.signing_secret, self.orders, self._invoices = "", {}, {}

    def bill(self, order, client, account):
        options = {"stripe_account": account}
        customer = client.v1.customers.create({"email": "jenny@example.com"}, options)
        terms = {"collection_method": "send_invoice", "days_until_due": 30, "currency": "usd"}
        invoice = client.v1.invoices.create({"customer": customer.id, **terms}, options)
        lines = [{"amount": 9_900, "description": "Oak table"}]
        client.v1.invoices.add_lines(invoice.id, {"lines": lines}, options)
        client.v1.invoices.send_invoice(invoice.id, {}, options)
        self.orders[order], self._invoices[invoice.id] = "billed", order
        return invoice.id

    def hear(self, payload, signature):
        event = stripe.Webhook.construct_event(payload, signature, self.signing_secret)
        self.orders[self._invoices[event.data.object.id]] = "paid"


@pytest.fixture
def app():
    app = App()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            app.hear(self.rfile.read(int(self.headers["Content-Length"])), self.headers["Stripe-Signature"])
            self.send_response(204)
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    app.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield app
    server.shutdown()
    thread.join()
    server.server_close()
"""


@pytest.fixture
def project(pytester, monkeypatch):
    """A project whose warnings are errors, and which has no plugin but those that it names."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = -p no:cacheprovider\n")

    def run(tests, conftest=NAMED):
        pytester.makeconftest(conftest)
        pytester.makepyfile(tests)
        return pytester.runpytest_subprocess()

    return run


def blocks():
    """The page's examples in Python."""
    return re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_examples_of_the_page_pass_in_a_project_that_has_nothing_else(project):
    assert NAMED in blocks()
    tests = [block for block in blocks() if block.startswith("def test_")]
    assert len(tests) == 4

    project("import pytest\nimport stripe\n\n" + "\n\n".join(tests), NAMED + APP).assert_outcomes(passed=4)


def test_the_first_paid_invoice_takes_ten_lines():
    (first,) = (block for block in blocks() if "test_an_invoice_is_paid" in block)

    assert len(first.splitlines()) <= 10


def test_what_a_test_leaves_behind_is_gone_in_the_next_at_the_same_address(project):
    project(
        """
        import time

        def leave_something(stripe_emulator, client):
            assert stripe_emulator.control.objects("customers") == []
            assert stripe_emulator.control.objects("webhook_endpoints") == []
            assert stripe_emulator.control.misbehavior()["setting"] == {}
            assert abs(stripe_emulator.control.clock()["now"] - time.time()) < 100
            client.v1.customers.create({"name": "Jenny"})
            client.v1.webhook_endpoints.create({"url": "http://127.0.0.1:1/", "enabled_events": ["*"]})
            stripe_emulator.control.misbehave({"calls": [{"effect": "rate_limit"}]})
            stripe_emulator.control.advance_clock(1_000_000)

        def test_one(stripe_emulator, stripe_client, stripe_emulator_server):
            assert stripe_emulator.url == stripe_emulator_server.url
            leave_something(stripe_emulator, stripe_client)

        def test_two(stripe_emulator, stripe_client, stripe_emulator_server):
            assert stripe_emulator.url == stripe_emulator_server.url
            leave_something(stripe_emulator, stripe_client)
        """
    ).assert_outcomes(passed=2)


def test_code_that_uses_the_sdk_s_module_reaches_the_emulator_and_afterwards_stripe_again(project):
    project(
        """
        import stripe

        BEFORE = {name: getattr(stripe, name) for name in dir(stripe) if name.endswith(("_base", "api_key", "client_id"))}

        def test_during(stripe_module):
            made = stripe.Customer.create(name="Jenny")
            assert [each["id"] for each in stripe_module.control.objects("customers")] == [made.id]
            assert stripe.OAuth.authorize_url(scope="read_write").startswith(stripe_module.url)

        def test_after():
            assert {name: getattr(stripe, name) for name in BEFORE} == BEFORE
        """
    ).assert_outcomes(passed=2)


def test_a_project_sets_the_emulator_up_by_overriding_its_settings(project):
    project(
        """
        def test_it(stripe_emulator, stripe_client):
            assert stripe_client.v1.accounts.retrieve_current().id == "acct_emulatorplatform"
            assert stripe_emulator.settings.secret_key == "sk_test_of_the_project"
            assert stripe_emulator.settings.retry_attempts == 4
        """,
        NAMED
        + """
import pytest

@pytest.fixture(scope="session")
def stripe_emulator_settings():
    return {"secret_key": "sk_test_of_the_project"}
""",
    ).assert_outcomes(passed=1)


def test_a_project_that_does_not_name_the_plugin_does_not_have_it(project):
    project("def test_it(stripe_emulator): pass", conftest="").assert_outcomes(errors=1)


def test_nothing_is_loaded_into_anybody_s_tests_by_installing_it():
    ours = importlib.metadata.distribution("stripe-bridge").entry_points

    assert not [entry for entry in ours if entry.group == "pytest11"]


def test_every_fixture_is_on_the_page():
    source = (pathlib.Path(__file__).parents[2] / "src" / "stripe_emulator" / "testing.py").read_text()
    fixtures = re.findall(r"@pytest\.fixture.*\ndef (\w+)", source)

    assert len(fixtures) == 7
    assert [name for name in fixtures if f"| `{name}` |" not in PAGE] == []
