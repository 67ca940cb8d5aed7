"""The application for web servers and for the `flask` command."""

import os

from stripe_bridge.bootstrap import create_app

# The `flask` command does its work and leaves: no worker beside it.
app = create_app(os.environ, serving=os.environ.get("FLASK_RUN_FROM_CLI") != "true")
