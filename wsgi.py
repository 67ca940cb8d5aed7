"""Where the `flask` command looks for the application, in the folder of a clone."""

from stripe_bridge.wsgi import app as app
