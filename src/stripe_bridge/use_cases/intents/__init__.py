"""Making a call that changes something at Stripe, once: stored before it is made, and settled whatever happens."""
