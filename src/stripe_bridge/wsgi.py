"""The application for web servers and for the `flask` command: `stripe_bridge.wsgi:app`."""

import os

from stripe_bridge import bootstrap

# The `flask` command does its work and leaves: no worker beside it.
is_command = os.environ.get("FLASK_RUN_FROM_CLI") == "true"
app = bootstrap.create_command_app() if is_command else bootstrap.create_app()
