"""The webhook endpoints at Stripe that send to us, and their signing secrets."""
