"""Hides `rich`, which structlog loads where it is installed: it is not in requirements.lock, which production installs."""

raise ImportError("rich is not in requirements.lock")
