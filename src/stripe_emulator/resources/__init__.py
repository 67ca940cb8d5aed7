"""What Stripe does with each kind of object: one module per kind, its answers and its rules."""
