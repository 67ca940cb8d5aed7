"""The commands on the page about the emulator work."""

import pathlib
import re
import shlex

import pytest
import requests

from stripe_emulator.__main__ import parser
from stripe_emulator.control import KINDS

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "emulator.md"


def commands() -> list[str]:
    """Every complete curl command on the page."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [
        one.strip()
        for block in blocks
        for one in re.split(r"^(?=curl )", block, flags=re.MULTILINE)
        if one.strip()
    ]


def run(command: str, names: dict[str, str]) -> requests.Response:
    """What curl would do with these few options."""
    filled = re.sub(r"\$([A-Z_]+)", lambda match: names[match[1]], command)
    words = shlex.split(filled)[1:]
    url = next(word for word in words if word.startswith("http"))
    body = words[words.index("-d") + 1] if "-d" in words else None
    method = words[words.index("-X") + 1] if "-X" in words else "POST" if body else "GET"
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
    return requests.request(method, url, data=body, headers=headers, timeout=60, allow_redirects=False)


@pytest.fixture
def names(emulator, shop):
    """The values of the page's variables."""
    invoice = shop.paid(5000)
    charge = shop.charge_of(invoice.id).id
    return {
        "EMULATOR": emulator.url,
        "ACCOUNT": shop.account,
        "OTHER_ACCOUNT": emulator.control.create_account("Other", connected=True)["id"],
        "INVOICE": shop.open(5000).id,
        "SECOND_INVOICE": shop.open(5000).id,
        "THIRD_INVOICE": shop.open(5000).id,
        "FOURTH_INVOICE": shop.open(5000).id,
        "FIFTH_INVOICE": shop.open(5000).id,
        "CHARGE": charge,
        "CUSTOMER": str(invoice.customer),
        "REFUND": emulator.control.refund(charge, 100)["id"],
        "DISPUTE": emulator.control.dispute(shop.charge_of(shop.paid().id).id)["id"],
        "EVENT": shop.events()[0].id,
    }


def test_every_command_of_the_page_works(names):
    tried = commands()
    assert len(tried) > 20
    for command in tried:
        answer = run(command, names)
        assert answer.status_code in (200, 303), f"{command}\n{answer.text}"


def test_the_page_names_every_option_and_every_kind_of_object():
    text = PAGE.read_text()
    options = {
        option
        for action in parser({})._actions
        for option in action.option_strings
        if option.startswith("--")
    }
    missing = {name for name in options - {"--help"} if f"`{name}`" not in text}
    missing |= {kind for kind in KINDS if f"`{kind}`" not in text}
    assert not missing
