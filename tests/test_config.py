"""Settings are read once, checked together, and never shown."""

import pytest

from stripe_bridge.config import FORMER_NAMES, Settings, SettingsInvalid
from tests.docs.pages import ROOT, Page

KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
SUFFICIENT = {
    "PUBLIC_URL": "https://bridge.example.com",
    "STRIPE_SECRET_KEY": "sk_test_secret",
    "STRIPE_CLIENT_ID": "ca_1",
    "ENCRYPTION_KEYS": KEY,
}


def settings(**changes: str) -> Settings:
    return Settings.from_env(SUFFICIENT | changes)


def faults(**environ: str) -> list[str]:
    with pytest.raises(SettingsInvalid) as refusal:
        Settings.from_env(environ)
    return refusal.value.faults


def test_every_missing_setting_is_reported_at_once_with_how_to_get_it():
    reported = faults()
    assert [fault.partition(" ")[0] for fault in reported] == [
        "STRIPE_SECRET_KEY",
        "STRIPE_CLIENT_ID",
        "PUBLIC_URL",
        "ENCRYPTION_KEYS",
    ]
    assert "dashboard.stripe.com" in reported[0]
    assert "stripe-bridge keys generate" in reported[3]


def test_invalid_settings_are_reported_beside_missing_ones():
    reported = faults(PUBLIC_URL="bridge", INVOICE_DAYS_UNTIL_DUE="soon", STRIPE_ACCOUNT_AUTH="both")
    assert {fault.partition(" ")[0] for fault in reported} == {
        "STRIPE_SECRET_KEY",
        "STRIPE_CLIENT_ID",
        "PUBLIC_URL",
        "ENCRYPTION_KEYS",
        "INVOICE_DAYS_UNTIL_DUE",
        "STRIPE_ACCOUNT_AUTH",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://localhost/bridge"),
        ("SUBSCRIBERS_ALLOW_PRIVATE", "yes"),
        ("SUBSCRIBERS_ALLOW_PRIVATE", "10.20.0.1/16"),
        ("SUBSCRIBERS_PROXY", "proxy.internal:3128"),
        ("SUBSCRIBERS_CA_FILE", "/nowhere/authority.pem"),
        ("SUBSCRIBERS_CA_FILE", "README.md"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "postgresql+asyncpg://localhost/bridge"),
        ("DATABASE_URL", "postgresql://user:hunter2@host:port/bridge"),
        ("DATABASE_URL", "postgresql://user:p@s:hunter2@host/bridge"),
        ("DATABASE_URL", "postgresql://host:65536/bridge"),
        ("DATABASE_URL", "postgresql://user:hunter2@host:/bridge"),
        ("PUBLIC_URL", "https://bridge.example.com:port"),
        ("PUBLIC_URL", "https://:443"),
        ("STRIPE_API_BASE", "http://[::1"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis://:hunter/2@localhost"),
        ("REDIS_URL", "redis://localhost:65536"),
        ("REDIS_URL", "redis://[::1"),
        ("ENCRYPTION_KEYS", ","),
        ("ENCRYPTION_KEYS", f"{KEY},short"),
        ("STRIPE_SECRET_KEY", "pk_test_1"),
        ("STRIPE_SECRET_KEY", "sk_test_…"),
        ("STRIPE_WEBHOOK_SECRETS", "whsec_1,secret"),
        ("STRIPE_WEBHOOK_SECRETS", "whsec_1,whsec_"),
        ("STRIPE_WEBHOOK_SECRETS", "whsec_…"),
        ("CORS_ORIGINS", "https://erp.example.com/path"),
        ("CORS_ORIGINS", "https://erp.example.com,https://*.example.com"),
        ("SWEEP_SECONDS", "nan"),
        ("WORKER_PAUSE_FACTOR", "-1"),
        ("EVENT_PAYLOAD_DAYS", "29"),
        ("EVENT_PAYLOAD_DAYS", "3651"),
        ("JWT_ISSUER", "https://login.example.com"),
        ("CONSOLE_OIDC_CLIENT_ID", "console"),
        ("CONSOLE_OIDC_CLIENT_SECRET", "hunter"),
    ],
)
def test_an_invalid_value_is_reported_by_name(name, value):
    (fault,) = faults(**SUFFICIENT | {name: value})
    assert name in fault
    assert "hunter" not in fault


@pytest.mark.parametrize(
    ("issuer", "is_good"),
    [
        ("https://login.example.com/", True),
        ("https://login.example.com/realms/acme", True),
        ("http://127.0.0.1:9000", True),
        ("http://login.example.com", False),
        ("login.example.com", False),
    ],
)
def test_an_identity_provider_for_the_console_is_reached_over_https(issuer, is_good):
    client = {"CONSOLE_OIDC_CLIENT_ID": "console", "CONSOLE_OIDC_CLIENT_SECRET": "hunter"}
    if is_good:
        given = settings(CONSOLE_OIDC_ISSUER=issuer, **client)
        assert given.console_oidc_issuer == issuer
        assert "hunter" not in repr(given)
    else:
        (fault,) = faults(**SUFFICIENT, CONSOLE_OIDC_ISSUER=issuer, **client)
        assert fault.startswith("CONSOLE_OIDC_ISSUER must be")


@pytest.mark.parametrize("claim", ["groups=", "=bridge-operators", "=", " groups = "])
def test_an_operators_claim_without_a_value_is_refused_since_it_could_be_anybodys(claim):
    """A deployment that leaves the group's name empty."""
    (fault,) = faults(**SUFFICIENT, CONSOLE_OPERATOR_CLAIM=claim)
    assert fault.startswith("CONSOLE_OPERATOR_CLAIM must be")
    for good in ("operator", "groups=bridge-operators", "https://example.com/groups=a=b"):
        assert settings(CONSOLE_OPERATOR_CLAIM=good).console_operator_claim == good


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////data/bridge.db",
        "sqlite:////data/a@b:c@d/bridge.db",
        "postgres://user@host/name",
        "postgresql+psycopg://host/name",
        "postgresql://user:pass/wo#rd:?@[::1]:5432/name",
        "postgresql://user:password@/name?host=/run/postgresql",
    ],
)
def test_every_url_that_an_engine_can_be_made_for_is_taken(url):
    assert settings(DATABASE_URL=url).database_url == url


def test_a_setting_is_still_accepted_under_its_former_name():
    given = settings(WORKER_REST="3")

    assert given.worker_pause_factor == 3
    assert given.deprecated == {"WORKER_REST": "WORKER_PAUSE_FACTOR"}


def test_the_present_name_of_a_setting_takes_precedence_over_the_former_one():
    assert settings(WORKER_REST="3", WORKER_PAUSE_FACTOR="0").worker_pause_factor == 0
    assert settings(WORKER_REST="3", WORKER_PAUSE_FACTOR=" ").worker_pause_factor == 3


def test_a_wrong_value_is_reported_under_the_name_that_was_set():
    assert faults(**SUFFICIENT, WORKER_REST="often")[0].startswith("WORKER_REST must be")


def test_every_former_name_is_of_a_setting_that_exists():
    for name, former in FORMER_NAMES.items():
        assert faults(**SUFFICIENT, **{name: "no such value"})[0].startswith(name)
        assert not Settings.from_env(SUFFICIENT | {former: ""}).deprecated


def test_payloads_are_kept_for_ever_or_for_as_long_as_stripe_lists_events():
    assert [settings(EVENT_PAYLOAD_DAYS=days).event_payload_days for days in ("0", "30")] == [0, 30]


def test_with_a_live_key_no_call_is_given_up_while_it_may_still_have_its_effect():
    live = {"STRIPE_SECRET_KEY": "sk_live_1", "STRIPE_READ_TIMEOUT": "80"}

    (fault,) = faults(**SUFFICIENT | live)

    assert fault.startswith("INTENT_SETTLE_SECONDS must be longer than")
    assert settings(**live, INTENT_SETTLE_SECONDS="90").livemode
    assert settings(STRIPE_SECRET_KEY="sk_live_1").intent_settle_seconds == 60
    assert settings(INTENT_SETTLE_SECONDS="0.5").intent_settle_seconds == 0.5


def test_the_return_url_stays_as_it_was_given():
    """With and without a slash at the end, it may be two different addresses to a front end."""
    url = "https://erp.example.com/stripe/connected/"
    assert settings(OAUTH_RETURN_URL=url).oauth_return_url == url
    assert settings(PUBLIC_URL="https://bridge.example.com/").public_url == "https://bridge.example.com"


def test_no_secret_is_shown():
    shown = repr(
        settings(
            DATABASE_URL="postgresql://user:hunter2@host/name",
            REDIS_URL="redis://:hunter2@host",
            STRIPE_WEBHOOK_SECRETS="whsec_hunter2",
            METRICS_TOKEN="hunter2",
        )
    )
    assert "hunter2" not in shown
    assert "sk_test_secret" not in shown
    assert KEY not in shown


def test_settings_are_shown_without_secrets_and_by_the_names_that_the_readme_has():
    shown = settings(DATABASE_URL="postgresql://bridge:hidden@db/bridge").without_secrets()
    assert shown["PUBLIC_URL"] == SUFFICIENT["PUBLIC_URL"]
    assert shown["DATABASE_URL"] is True
    assert shown["METRICS_TOKEN"] is False
    assert "hidden" not in str(shown)
    assert SUFFICIENT["STRIPE_SECRET_KEY"] not in str(shown)
    assert set(shown) == {row[0].strip("`") for row in Page(ROOT / "README.md").table_under("## Settings")}


def test_private_networks_are_allowed_one_by_one_or_altogether():
    assert settings().subscribers_allow_private == ()
    assert settings(SUBSCRIBERS_ALLOW_PRIVATE="false").subscribers_allow_private == ()
    assert settings(SUBSCRIBERS_ALLOW_PRIVATE="true").subscribers_allow_private == ("0.0.0.0/0", "::/0")
    one = settings(SUBSCRIBERS_ALLOW_PRIVATE="10.20.0.0/16, ::1")
    assert one.subscribers_allow_private == ("10.20.0.0/16", "::1")
