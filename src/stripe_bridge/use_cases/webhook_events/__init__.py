"""Receiving Stripe's webhook events, applying them, and applying them again."""
