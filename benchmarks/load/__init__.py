"""Webhooks signed as Stripe signs them, and programs that send them as fast as they are acknowledged."""
