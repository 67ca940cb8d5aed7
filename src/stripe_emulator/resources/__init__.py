"""What Stripe does with each kind of object: its answers and rules, mostly one module per kind."""
