"""Secrets at rest, sealed with Fernet (AES-128-CBC and HMAC-SHA256), and signatures, by the `cryptography` library."""

from stripe_bridge.adapters.vault.fernet import FernetVault, new_key
from stripe_bridge.adapters.vault.signer import HmacSigner

__all__ = ["FernetVault", "HmacSigner", "new_key"]
