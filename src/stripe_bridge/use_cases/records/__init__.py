"""Letting what Stripe shows change what is recorded here."""
