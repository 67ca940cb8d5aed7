"""Storing arriving webhook events, many in one commit."""
