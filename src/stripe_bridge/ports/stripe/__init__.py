"""What we ask of Stripe, and how its answers, refusals and signatures are told apart."""
