"""`python -m stripe_bridge`: the same as `stripe-bridge web`."""

from stripe_bridge.bootstrap.serve import serve

if __name__ == "__main__":
    serve(prog_name="python -m stripe_bridge")
