"""Sending, showing and voiding invoices."""
