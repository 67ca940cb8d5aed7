"""Deliveries to subscribers: where they may go, and the signed request."""
