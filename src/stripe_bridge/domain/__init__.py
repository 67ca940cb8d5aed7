"""The rules of integrations, sales orders, invoices, intents and webhook events.

Pure: the standard library only; no clock, no ids, no environment, no I/O.
"""
