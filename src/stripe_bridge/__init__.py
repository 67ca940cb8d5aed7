"""Stripe Bridge: a service that stands between an ERP and Stripe.

The map of the hexagon, outermost first; each line may only know those below it:

    bootstrap    the composition root: the only module that names every adapter
    adapters     web, console, cli, worker (driving) · stripe_gateway, database, queue, vault, system (driven)
    config       the settings, read from the environment
    bridge       the one door: the use cases, by room
    use_cases    one room per capability, on floors
    ports        what the use cases need from the outside world, as Protocols with their errors
    domain       the rules, and nothing else
"""
