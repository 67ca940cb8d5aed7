"""Refunding invoices."""
