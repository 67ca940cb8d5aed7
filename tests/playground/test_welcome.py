import os
import sys
from pathlib import Path

from stripe_bridge_playground.welcome import welcome

FACTS = {
    "service": "http://127.0.0.1:8000",
    "emulator": "http://127.0.0.1:12111",
    "tokens": {"viewer": "sbt_v", "power_user": "sbt_p"},
    "other_tenant_token": "sbt_o",
}


def shown(*integrations: dict[str, object], data_dir: str = "/data") -> str:
    return "\n".join(welcome(FACTS, Path(data_dir), integrations))


def an_integration(**changes: object) -> dict[str, object]:
    return {"id": 4, "name": "Rosen", "connected": False, **changes}


def test_the_console_has_a_link_that_signs_in():
    link = "http://127.0.0.1:8000/console/sign-in#sbl_x"
    lines = list(welcome({**FACTS, "console": link}, Path("/data"), []))
    assert f"Console    {link}" in lines


def test_at_first_there_is_an_integration_to_create():
    assert "create an integration" in shown()
    assert "integrations/1/authorize" in shown()


def test_an_integration_of_an_earlier_start_is_the_one_to_authorize():
    text = shown(an_integration(), an_integration(id=3, name="Older"))

    assert "integrations/4/authorize" in text
    assert "create an integration" not in text


def test_through_a_connected_integration_invoices_can_be_sent():
    text = shown(an_integration(id=5), an_integration(connected=True))

    assert "integrations/4/invoices" in text
    assert "authorize" not in text


def test_a_folder_with_a_space_is_quoted_for_the_shell():
    command = os.path.relpath(Path(sys.executable).with_name("stripe-bridge"))
    assert f". '/my data/env.sh' && {command} doctor" in shown(data_dir="/my data")
