"""What we ask of Stripe, and the kinds of its responses, refusals and signatures."""
