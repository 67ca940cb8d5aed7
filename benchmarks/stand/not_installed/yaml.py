"""Hides `yaml`, which flask-smorest loads where it is installed: it is not in requirements.lock, which production installs."""

raise ImportError("yaml is not in requirements.lock")
