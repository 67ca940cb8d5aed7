"""Connecting a merchant's Stripe account, and disconnecting it."""
