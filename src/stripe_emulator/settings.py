"""The choices that an emulator is started with."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the emulated platform is set up, and where the recordings leave a choice."""

    secret_key: str = "sk_test_emulator"
    client_id: str = "ca_emulator"
    platform_name: str = "ERP Platform"
    redirect_uris: tuple[str, ...] = ()  # none configured: any is taken
    allow_account_endpoints: bool = False  # Stripe refuses webhook endpoints made on a connected account
    void_uncollectible: bool = False  # the documentation says yes, recordings of the real Stripe say no
    may_crash: bool = False  # whether misbehavior may end the process
    retry_base: float = 1.0  # seconds before a failed delivery is tried again; doubles each time
    retry_cap: float = 60.0
    retry_attempts: int = 15
    delivery_threads: int = 4
    delivery_timeout: float = 10.0
