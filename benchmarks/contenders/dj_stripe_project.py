"""A Django project with dj-stripe in one module: settings, URLs, application and commands.

It runs in dj-stripe's own environment, which has none of our packages.
"""

import json
import os
import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.urls import include, path


def hand_over(_trigger, api_key=None):
    """As its documentation suggests, leave an event to a queue; this one costs nothing."""


settings.configure(
    DEBUG=False,
    SECRET_KEY="only-for-benchmarks",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "djstripe"],
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": "127.0.0.1",
            "PORT": os.environ["POSTGRES_PORT"],
            "USER": "postgres",
            "NAME": os.environ["POSTGRES_DATABASE"],
            # Kept open: a new connection for each request would cost more than everything else.
            "CONN_MAX_AGE": None,
        }
    },
    STRIPE_LIVE_MODE=False,
    STRIPE_TEST_SECRET_KEY=os.environ["STRIPE_SECRET_KEY"],
    STRIPE_API_HOST=os.environ["STRIPE_API_BASE"],
    STRIPE_API_VERSION=os.environ["STRIPE_API_VERSION"],
    DJSTRIPE_FOREIGN_KEY_TO_FIELD="id",
    DJSTRIPE_WEBHOOK_EVENT_CALLBACK=hand_over if os.environ["DJ_STRIPE"] == "trigger" else None,
)
application = get_wsgi_application()
urlpatterns = [path("stripe/", include("djstripe.urls", namespace="djstripe"))]


def make_endpoint(secret):
    """Create the endpoint that its admin page would create; print its path."""
    # Can be imported only once Django is set up.
    from djstripe.models import WebhookEndpoint

    endpoint = WebhookEndpoint.objects.create(
        id="we_benchmarks",
        livemode=False,
        url="http://127.0.0.1/",
        enabled_events=["*"],
        status="enabled",
        secret=secret,
        djstripe_validation_method="verify_signature",
    )
    print(json.dumps(f"/stripe/webhook/{endpoint.djstripe_uuid}/"))


if __name__ == "__main__":
    if sys.argv[1] == "make-endpoint":
        make_endpoint(sys.argv[2])
    else:
        execute_from_command_line(sys.argv)
