"""The service and the Stripe emulator side by side on one machine, with nothing else installed.

`run` starts both and keeps them running; `demo`, which is also `stripe-bridge demo`, plays the whole story and checks it.
This package imports neither of them: it uses their command lines and HTTP, as any other client would.
"""
