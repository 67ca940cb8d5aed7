"""Secrets at rest, sealed with Fernet (AES-128-CBC and HMAC-SHA256) by the `cryptography` library."""

from stripe_bridge.adapters.vault.fernet import FernetVault, new_key

__all__ = ["FernetVault", "new_key"]
