"""The application for granian: `granian --interface rsgi rsgi:app`."""

import os

from stripe_bridge.bootstrap import create_front

app = create_front(os.environ)
