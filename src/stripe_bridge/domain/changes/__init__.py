"""The change log: what this service recorded about its own objects, numbered per tenant and chained by hashes."""
