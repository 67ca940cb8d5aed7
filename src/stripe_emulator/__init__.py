"""A stateful stand-in for Stripe over HTTP, for demos and tests. docs/emulator.md tells how to use it.

    __main__, server        a process of its own; a context manager for tests
      web                   the WSGI application, of four parts:
        api/                  everything under /v1: credentials, parameters, idempotency, lists, expansion, faults
        oauth_routes          Connect: the consent page, tokens, revocation
        control_routes        /_emulator: what no API call can do (control, dashboard)
        pages                 the start page, and what Stripe hosts for customers
      resources/            what Stripe does with each kind of object, used by all four
      emulator.Emulator     one emulator: its state, clock, misbehavior, wire log and deliveries
        transaction           one all-or-nothing change, and the events that it makes
        store, journal        the objects in memory, and on disk

It talks the API version that the installed `stripe` package is pinned to. That package's own types are its list of
what each call accepts and what can be expanded; what it answers was held against the same package.
"""
