"""The web adapter: the REST contract over HTTP.

    app          create_app: all of it, put together
    front, webhook_protocol, asgi  a fast entrance for webhooks, with `app` behind it
    exchange     what every request has: id, log line, headers
    access       who may come in: tokens, permissions, rate limits
    operations   what an operation is, and how it becomes a route
    views        the operations, by group: command in, use case, value out
    schemas      what goes in and out
    parsing      JSON and query strings, read strictly
    problems     the one table from errors to status codes
    api, docs    the OpenAPI document and the page that shows it

To add an operation: a view with its `@operation` in `views/`, its schemas in `schemas/`, its name in the module's tuple.
"""

from stripe_bridge.adapters.web.app import WebOptions, create_app

__all__ = ["WebOptions", "create_app"]
