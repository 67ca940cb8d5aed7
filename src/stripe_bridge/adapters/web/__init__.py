"""The web adapter: the REST contract over HTTP.

    app          create_app: all of it, put together
    fast_path, webhook_protocol, wsgi_in_threads  a fast path for webhooks, in front of `app`
    request_log  what every request has: id, log line, headers
    auth         tokens, permissions, rate limits
    endpoints    what an operation is, and how it becomes a route
    views        the operations, by group: command in, use case, value out
    schemas      what goes in and out
    parsing      JSON and query strings, read strictly
    problems     the one table from errors to status codes
    problem_types  what each problem means to callers, and how the OpenAPI document shows it
    api, docs    the OpenAPI document, the page that shows it, and what is at `/`

To add an operation: a view with its `@operation` in `views/`, its schemas in `schemas/`, its name in the module's tuple; then
`make openapi`.
"""

from stripe_bridge.adapters.web.app import WebOptions, create_app

__all__ = ["WebOptions", "create_app"]
