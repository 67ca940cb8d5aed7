"""Keys, accounts and versions."""

import pytest
import requests
import stripe

from tests.emulator.conftest import client_of, error_code
from tests.emulator.shop import Shop


def test_an_unknown_key_is_a_401_without_the_key_in_it(emulator):
    with pytest.raises(stripe.AuthenticationError) as refusal:
        client_of(emulator, "sk_test_0123456789abcdef").v1.customers.list()
    assert refusal.value.http_status == 401
    assert "0123456789" not in str(refusal.value)


def test_no_key_at_all_is_a_401(emulator):
    headers = {"Stripe-Version": stripe.api_version}
    answer = requests.get(f"{emulator.url}/v1/customers", headers=headers, timeout=60)
    assert answer.status_code == 401
    assert "You did not provide an API key" in answer.json()["error"]["message"]
    assert answer.headers["Request-Id"].startswith("req_")


def test_basic_authentication_works_as_well(emulator):
    answer = requests.get(
        f"{emulator.url}/v1/account",
        auth=(emulator.settings.secret_key, ""),
        headers={"Stripe-Version": stripe.api_version},
        timeout=60,
    )
    assert answer.status_code == 200


def test_an_account_that_is_not_connected_is_a_403(emulator, platform):
    stranger = emulator.control.create_account("Stranger")["id"]
    for account in (stranger, "acct_nobody"):
        with pytest.raises(stripe.PermissionError) as refusal:
            platform.v1.customers.list({}, {"stripe_account": account})
        assert error_code(refusal.value) == "account_invalid"
        with pytest.raises(stripe.PermissionError):
            platform.v1.accounts.retrieve(account)


def test_accounts_do_not_see_each_other(emulator, platform, shop):
    other = Shop(emulator.control, platform, emulator.control.create_account("Other", connected=True)["id"])
    customer = shop.customer(email="one@example.com")
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        other.v1.customers.retrieve(customer.id, {}, other.options)
    assert refusal.value.code == "resource_missing"
    assert other.v1.customers.list({"email": "one@example.com"}, other.options).data == []
    assert platform.v1.customers.list().data == []
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        other.draft(customer=customer.id)


def test_a_merchants_own_key_acts_without_an_application(emulator, shop):
    key = next(a["secret_key"] for a in emulator.control.objects("accounts") if a["id"] == shop.account)
    merchant = client_of(emulator, key)
    customer = merchant.v1.customers.create({"email": "mine@example.com"})
    assert merchant.v1.invoices.create({"customer": customer.id}).application is None
    assert shop.draft(100).application == emulator.settings.client_id


def test_a_malformed_version_is_a_400_without_a_code(emulator):
    headers = {"Authorization": f"Bearer {emulator.settings.secret_key}", "Stripe-Version": "yesterday"}
    answer = requests.get(f"{emulator.url}/v1/customers", headers=headers, timeout=60)
    assert answer.status_code == 400
    assert "code" not in answer.json()["error"]


def test_an_unknown_path_and_a_wrong_verb_are_the_same_404(emulator):
    headers = {"Authorization": f"Bearer {emulator.settings.secret_key}"}
    for method, path in (("GET", "/v1/nothing"), ("DELETE", "/v1/invoices"), ("GET", "/v1/invoices/")):
        answer = requests.request(method, emulator.url + path, headers=headers, timeout=60)
        assert answer.status_code == 404
        assert "Unrecognized request URL" in answer.json()["error"]["message"]
