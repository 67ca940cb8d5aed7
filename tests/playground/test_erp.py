"""The page like an ERP's."""

import requests

from stripe_bridge_playground.erp import Shop, draw, serving
from stripe_bridge_playground.seed import ORDERS
from stripe_bridge_playground.settings import reserved_port

DEFAULTS = {"order": "1001", "lang": "en", "dir": "ltr", "theme": "light", "as": "power_user", "frame": ""}


def a_shop(port: int = 8001, **customer: str) -> Shop:
    orders = {1001: ORDERS[1001] | {"customer": {**ORDERS[1001]["customer"], **customer}}}
    return Shop("http://127.0.0.1:8000", f"http://127.0.0.1:{port}", {"power_user": "sbt_p"}, orders)


def test_the_page_embeds_the_panel_of_its_order():
    page = draw(a_shop(), DEFAULTS)
    assert '<stripe-invoices sales-order-id="1001" lang="en">' in page
    assert "http://127.0.0.1:8000/embed/v1/stripe-invoices.js" in page


def test_the_page_has_a_frame_for_those_who_want_to_see_that():
    assert "<iframe" in draw(a_shop(), {**DEFAULTS, "frame": "1"})


def test_a_token_is_in_no_page():
    assert "sbt_p" not in draw(a_shop(), DEFAULTS)


def test_text_that_looks_like_html_stays_text():
    page = draw(a_shop(name="<script>alert(1)</script>"), DEFAULTS)
    assert "<script>alert" not in page


def test_nothing_of_an_address_gets_into_the_page():
    port = reserved_port()
    with serving(port, a_shop(port)):
        answer = requests.get(
            f"http://127.0.0.1:{port}/?order=9&lang=%22%3E%3Cscript%3E&theme=x&as=admin", timeout=30
        )
    assert answer.status_code == 200
    assert "><script>" not in answer.text.replace("\n", "")
    assert 'data-as="power_user"' in answer.text


def test_whoever_comes_by_another_name_or_from_another_page_gets_nothing():
    port = reserved_port()
    with serving(port, a_shop(port)):
        url = f"http://127.0.0.1:{port}"
        rebound = requests.get(url, headers={"Host": f"evil.example.com:{port}"}, timeout=30)
        foreign = requests.get(
            f"{url}/panel-session?order=1001", headers={"Sec-Fetch-Site": "cross-site"}, timeout=30
        )
    assert (rebound.status_code, foreign.status_code) == (421, 403)
