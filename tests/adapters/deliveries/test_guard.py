"""Where messages may go: each way around it that is known, and what an operator allows."""

import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import ip_addresses

from stripe_bridge.adapters.deliveries.addresses import why_refused
from stripe_bridge.adapters.deliveries.guard import Guard
from stripe_bridge.domain.errors.values import UrlNotAllowed
from stripe_bridge.ports.deliveries import NotDelivered
from tests.waiting import wait_until

PUBLIC = ("93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822", "2002:5db8:d822::1")
PRIVATE = ("10.1.2.3", "172.16.0.1", "192.168.0.1", "100.64.0.1", "127.0.0.1", "127.8.9.10", "::1", "fd12::1")
NEVER = (
    "169.254.169.254",
    "169.254.0.1",
    "fe80::1",
    "fe80::1%eth0",
    "224.0.0.1",
    "ff02::1",
    "0.0.0.0",
    "::",
    "255.255.255.255",
    "240.0.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fd00:ec2::254",
    "fd20:ce::254",
    "2001:0:4136:e378::1",
    "64:ff9b:1::a9fe:a9fe",
)
EVERYTHING = ("0.0.0.0/0", "::/0")


def guard(*addresses: str, allow: Sequence[str] = ()) -> Guard:
    """One for which every name has these addresses."""
    return Guard(allow, resolve=lambda host, _port: addresses or [host])


def refusal(url: str, *addresses: str, allow: Sequence[str] = ()) -> str:
    with pytest.raises(UrlNotAllowed) as caught:
        guard(*addresses, allow=allow).check(url)
    assert caught.value.field == "url"
    return caught.value.message


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_allowed(address: str):
    guard(address).check("https://erp.example/changes?a=1@2")


@pytest.mark.parametrize(
    "url",
    [
        "https://user@erp.example/",
        "https://user:password@erp.example/",
        "https://:password@erp.example/",
        "https://@erp.example/",
        "https://erp.example@10.0.0.1/",
        "https://10.0.0.1#@erp.example/",
    ],
)
def test_user_info_is_refused(url: str):
    assert "user name" in refusal(url, "93.184.216.34") or "fragment" in refusal(url, "93.184.216.34")


@pytest.mark.parametrize(
    "url",
    [
        "http://erp.example/",
        "HTTP://erp.example/",
        "ftp://erp.example/",
        "file:///etc/passwd",
        "gopher://erp.example/",
        "unix:///run/docker.sock",
        "//erp.example/",
        "erp.example/changes",
        "javascript:alert(1)",
    ],
)
def test_every_other_scheme_is_refused(url: str):
    assert refusal(url, "93.184.216.34") == "Must be an https URL."


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "https:///changes",
        "https://erp.example:0/",
        "https://erp.example:65536/",
        "https://erp.example:port/",
        "https://[::1/",
        "https://erp example/",
        "https://erp.example/\r\nX-Injected: 1",
        "https://erp.example\\@10.0.0.1/",
        "https://erp.example/#fragment",
        "https://erp.example/" + "x" * 2048,
        "https://" + "x" * 64 + ".example/",
    ],
)
def test_what_is_no_url_is_refused(url: str):
    with pytest.raises(UrlNotAllowed):
        Guard(resolve=lambda host, _port: [host.encode("idna").decode() and "93.184.216.34"]).check(url)


@pytest.mark.parametrize("address", [*PRIVATE, *NEVER])
def test_a_name_that_has_a_forbidden_address_is_refused_even_beside_an_allowed_one(address: str):
    assert address in refusal("https://erp.example/", address)
    assert address in refusal("https://erp.example/", "93.184.216.34", address)


@pytest.mark.parametrize("address", [*PRIVATE, "169.254.169.254"])
def test_a_forbidden_address_is_refused_however_it_is_written(address: str):
    literal = f"[{address}]" if ":" in address else address
    assert address in refusal(f"https://{literal}/")


@pytest.mark.parametrize(
    "wrapped",
    [
        "::ffff:{}",
        "::{}",
        "::ffff:0:{}",
        "64:ff9b::{}",
        "2a00::5efe:{}",
        "2a00::200:5efe:{}",
    ],
)
@pytest.mark.parametrize("inner", ["127.0.0.1", "10.0.0.1", "169.254.169.254"])
def test_an_ipv4_address_is_seen_in_every_ipv6_address_that_stands_for_it(wrapped: str, inner: str):
    assert why_refused(wrapped.format(inner), []) is not None
    expected = None if inner != "169.254.169.254" else "never"
    everything = Guard(EVERYTHING)._allowed
    assert (expected or "None") in str(why_refused(wrapped.format(inner), everything))


@given(ip_addresses(v=4))
def test_6to4_and_nat64_are_as_allowed_as_the_address_inside(inner):
    number = int(inner)
    six_to_four = f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1"
    results = [why_refused(each, []) is None for each in (str(inner), six_to_four, f"64:ff9b::{inner}")]
    assert len(set(results)) == 1


@given(st.sampled_from(NEVER), st.sampled_from([EVERYTHING, ("169.254.0.0/16", "fe80::/10", "fd00::/8")]))
def test_what_is_never_allowed_cannot_be_allowed(address, allowed):
    assert "never" in str(why_refused(address, Guard(allowed)._allowed))


@pytest.mark.parametrize("address", PRIVATE)
def test_an_operator_can_allow_private_networks_also_without_tls(address: str):
    network = f"{address}/{128 if ':' in address else 32}"
    for allowed in (EVERYTHING, (network,)):
        guard(address, allow=allowed).check("https://erp.internal/")
        guard(address, allow=allowed).check("http://erp.internal/")
    assert refusal("https://erp.internal/", "10.9.9.9", allow=[network])


def test_a_public_address_needs_tls_even_if_everything_private_is_allowed():
    assert refusal("http://erp.example/", "93.184.216.34", allow=EVERYTHING) == "Must be an https URL."
    assert refusal("http://erp.example/", "10.0.0.1", "93.184.216.34", allow=EVERYTHING)


def test_a_name_that_does_not_resolve_is_refused():
    def fails(_host: str, _port: int) -> Sequence[str]:
        raise OSError("no such host")

    with pytest.raises(UrlNotAllowed, match="does not resolve"):
        Guard(resolve=fails).check("https://nowhere.example/")
    with pytest.raises(UrlNotAllowed, match="does not resolve"):
        Guard(resolve=lambda _host, _port: []).check("https://nowhere.example/")


def test_a_resolver_that_hangs_holds_nobody_up():
    released = threading.Event()
    ended = threading.Event()

    def hangs(_host: str, _port: int) -> Sequence[str]:
        released.wait(30)
        ended.set()
        return ["93.184.216.34"]

    with pytest.raises(NotDelivered) as caught:
        Guard(resolve=hangs).addresses("https", "erp.example", 443, within=0.01)
    assert "in time" in caught.value.reason
    released.set()
    wait_until(ended.is_set)


def test_behind_a_proxy_names_are_not_resolved_here():
    def fails(_host: str, _port: int) -> Sequence[str]:
        raise AssertionError("resolved")

    proxied = Guard(is_proxied=True, resolve=fails)
    proxied.check("https://erp.example/")
    for url in ("http://erp.example/", "https://user@erp.example/"):
        with pytest.raises(UrlNotAllowed):
            proxied.check(url)


odd = st.text("https:/@[]%.?#\\ab1\x00\u00e9\ud800 ")


@given(st.one_of(st.text(), odd, odd.map("https://{}".format), odd.map("https://erp.example{}".format)))
def test_whatever_is_given_is_allowed_or_refused(url: str):
    try:
        guard("93.184.216.34").check(url)
    except UrlNotAllowed:
        return
    assert url.lower().startswith("https://")
