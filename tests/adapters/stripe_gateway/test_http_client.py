"""What may come between the SDK and Stripe, and what may not."""

import gzip
import json
import logging
from base64 import b64encode
from pathlib import Path

import pytest

from stripe_bridge.adapters.stripe_gateway.invoices import StripeInvoiceGateway
from stripe_bridge.ports.stripe.errors import OutcomeUnknown
from stripe_bridge_playground.settings import reserved_port
from tests.adapters.stripe_gateway.scripted_stripe import INVOICE, SECRET_KEY, Answer, ScriptedStripe
from tests.servers.certificates import self_signed


def test_passwords_that_lie_about_do_not_take_our_keys_place(
    stripe_says: ScriptedStripe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    stripe_says.will(Answer(body=INVOICE))

    StripeInvoiceGateway(stripe_says.access()).invoice("acct_1", "in_1")

    assert stripe_says.requests[0].headers["Authorization"] == f"Bearer {SECRET_KEY}"


def test_a_proxy_of_the_environments_is_asked_in_stripes_place(
    stripe_says: ScriptedStripe, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HTTP_PROXY", stripe_says.url)
    monkeypatch.setenv("http_proxy", stripe_says.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    stripe_says.will(Answer(body=INVOICE))

    found = StripeInvoiceGateway(stripe_says.access(api_base="http://stripe.test")).invoice("acct_1", "in_1")

    assert found.id == "in_1"
    assert stripe_says.requests[0].path.startswith("http://stripe.test/v1/invoices/in_1")


def test_a_proxy_has_its_password_and_stripe_its_key(
    stripe_says: ScriptedStripe, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("http_proxy", stripe_says.url.replace("http://", "http://us%40er:pass%3Aword@"))
    monkeypatch.delenv("no_proxy", raising=False)
    stripe_says.will(Answer(body=INVOICE))

    StripeInvoiceGateway(stripe_says.access(api_base="http://stripe.test")).invoice("acct_1", "in_1")

    headers = stripe_says.requests[0].headers
    assert headers["Proxy-Authorization"] == f"Basic {b64encode(b'us@er:pass:word').decode()}"
    assert headers["Authorization"] == f"Bearer {SECRET_KEY}"


def test_no_proxy_is_asked_for_a_host_that_needs_none(
    stripe_says: ScriptedStripe, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{reserved_port()}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    stripe_says.will(Answer(body=INVOICE))

    assert StripeInvoiceGateway(stripe_says.access()).invoice("acct_1", "in_1").id == "in_1"


def test_a_compressed_answer_is_read(stripe_says: ScriptedStripe):
    body = gzip.compress(json.dumps(INVOICE).encode())
    stripe_says.will(
        Answer(body=body, headers={"Content-Encoding": "gzip", "Content-Length": str(len(body))})
    )

    assert StripeInvoiceGateway(stripe_says.access()).invoice("acct_1", "in_1").id == "in_1"
    assert stripe_says.requests[0].headers["Accept-Encoding"] == "gzip,deflate"


def test_a_server_without_a_valid_certificate_gets_no_request(tmp_path: Path):
    with ScriptedStripe(certificate=self_signed(tmp_path)) as somebody:
        with pytest.raises(OutcomeUnknown) as raised:
            StripeInvoiceGateway(somebody.access(max_network_retries=3)).invoice("acct_1", "in_1")

        assert "CERTIFICATE_VERIFY_FAILED" in raised.value.reason
        assert somebody.requests == []


def test_redirects_are_not_followed(stripe_says: ScriptedStripe):
    elsewhere = Answer(302, headers={"Location": f"{stripe_says.url}/elsewhere"})
    stripe_says.will(elsewhere, Answer(body=INVOICE))

    with pytest.raises(OutcomeUnknown):
        StripeInvoiceGateway(stripe_says.access()).send("acct_1", "in_1", "key-1")

    assert len(stripe_says.requests) == 1


def test_a_change_without_parameters_says_that_it_has_none(stripe_says: ScriptedStripe):
    stripe_says.will(Answer(body=INVOICE))

    StripeInvoiceGateway(stripe_says.access()).send("acct_1", "in_1", "key-1")

    assert stripe_says.requests[0].headers["Content-Length"] == "0"


def test_the_email_that_a_customer_is_searched_by_is_in_no_log(
    stripe_says: ScriptedStripe, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(logging.getLogger("urllib3"), "level", logging.NOTSET)
    caplog.set_level(logging.DEBUG)
    stripe_says.will(Answer(body={"object": "list", "data": [], "has_more": False, "url": "/v1/customers"}))

    StripeInvoiceGateway(stripe_says.access()).find_customer("acct_1", "jenny@example.com", "ref-1")

    assert "jenny%40example.com" in stripe_says.requests[0].path
    assert "jenny" not in caplog.text
