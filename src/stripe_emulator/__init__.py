"""A stateful stand-in for Stripe over HTTP, for demos and tests. docs/emulator.md explains how to use it.

    __main__, server        a process of its own; a context manager for tests
      web                   the WSGI application, of four parts:
        api/                  what all calls under /v1 share: credentials, parameters, idempotency, lists, expansion, faults
        oauth_routes          Connect: the consent page, tokens, revocation
        control_routes        /_emulator: what cannot be done by an API call (control, dashboard)
        pages                 the start page, and what Stripe hosts for customers
      resources/            what Stripe does with each kind of object, used by all four
      emulator.Emulator     one emulator: its state, clock, misbehavior, wire log and deliveries
        transaction           one all-or-nothing change, and the events that it creates
        store, journal        the objects in memory, and on disk

It speaks the API version that the installed `stripe` package is pinned to. That package's own types define what each
call accepts and what can be expanded; its answers were compared with the same package.
"""
