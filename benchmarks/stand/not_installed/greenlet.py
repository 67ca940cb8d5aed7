"""Hides `greenlet`, which structlog loads where it is installed: it is not in requirements.lock, which production installs."""

raise ImportError("greenlet is not in requirements.lock")
