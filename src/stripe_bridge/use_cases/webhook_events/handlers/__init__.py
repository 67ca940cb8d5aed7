"""What each type of event changes: one module for each kind of Stripe object."""
