import pytest

from stripe_bridge.domain.access import Permission, Role
from stripe_bridge.domain.panel_session import PanelAction, actions_of, is_origin


@pytest.mark.parametrize(
    "origin",
    [
        "https://erp.example.com",
        "https://erp.example.com:8443",
        "https://192.0.2.7",
        "http://localhost",
        "http://erp.localhost:3000",
        "http://127.0.0.1:8000",
        "http://[::1]:8000",
    ],
)
def test_what_browsers_send_is_an_origin(origin: str):
    assert is_origin(origin)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "*",
        "erp.example.com",
        "http://erp.example.com",
        "http://127.0.0.1.example.com",
        "https://erp.example.com/",
        "https://erp.example.com:443",
        "https://erp.example.com:99999",
        "https://erp.example.com:08",
        "https://ERP.example.com",
        "https://a:b@erp.example.com",
        "https://erp.example.com\n",
        "https://erp.example.com; script-src *",
        "ftp://erp.example.com",
    ],
)
def test_nothing_else_is_an_origin(text: str):
    assert not is_origin(text)


def test_what_can_be_done_follows_from_the_role():
    assert actions_of(Role.VIEWER.permissions) == {PanelAction.READ}
    assert actions_of(Role.ADMIN.permissions) == frozenset(PanelAction)
    assert actions_of(frozenset({Permission.READ_ACTS})) == frozenset()
