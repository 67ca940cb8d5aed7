"""An emulator's settings."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the emulated platform is set up, and how to behave where documentation and recordings differ."""

    secret_key: str = "sk_test_emulator"
    client_id: str = "ca_emulator"
    platform_name: str = "ERP Platform"
    redirect_uris: tuple[str, ...] = ()  # if empty, any is accepted
    allow_account_endpoints: bool = False  # Stripe refuses webhook endpoints created on a connected account
    void_uncollectible: bool = False  # the documentation says yes, recordings of the real Stripe say no
    may_crash: bool = False  # whether a misbehavior may end the process
    retry_base: float = 1.0  # seconds before a failed delivery is tried again, doubling each time
    retry_cap: float = 60.0
    retry_attempts: int = 15
    delivery_threads: int = 4
    delivery_timeout: float = 10.0
    will_be_due_days: int = 3  # how long before the due date `invoice.will_be_due` is sent
    overdue_days: int = 0  # how long after the due date `invoice.overdue` is sent
