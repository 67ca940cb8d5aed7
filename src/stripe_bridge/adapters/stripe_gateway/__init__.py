"""Stripe over its SDK: the only place that imports `stripe`.

SDK objects get no further than `snapshots`, SDK exceptions no further than `errors`.
"""
