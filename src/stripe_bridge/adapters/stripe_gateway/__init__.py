"""Stripe over its SDK: the only place that imports `stripe`.

SDK objects end in `snapshots`, SDK exceptions end in `errors`.
"""
