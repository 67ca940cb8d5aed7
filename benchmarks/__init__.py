"""What `make bench` runs: measures the service, its peers and the machine's limit, in turns.

    options, __main__   what to measure, how often, how large
    targets             the ratios and sizes to reach
    measures/           one module per thing measured
    contenders/         what is measured: the limit, ours, dj-stripe, stripe-sync-engine
    load/               signed webhooks, and the programs that send them
    stand/              the servers that everything needs
    results, report, plots

The service is used only through its public interfaces: commands, settings, REST and webhooks. Only the code that counts
its stored rows or fills its tables knows the schema.
"""
