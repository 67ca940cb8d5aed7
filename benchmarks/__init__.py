"""What `make bench` runs: the service, its peers and the limit of the machine, measured in turns.

    options, __main__   what to measure, how often, how large
    targets             what has to be reached
    measures/           one module per thing measured
    contenders/         what is measured: the limit, ours, dj-stripe, stripe-sync-engine
    load/               signed webhooks, and what sends them
    stand/              the servers that all of it needs
    results, report, plots

The service is reached through its public doors alone: its commands, its settings, REST and webhooks. Only what counts
its stored rows, and what fills its tables, knows the schema.
"""
