"""Comparing an account with Stripe: missed events, objects that Stripe may still change, totals."""
