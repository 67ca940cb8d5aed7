"""Subscribers, to whom changes are delivered: registering them, and delivering."""
