"""`python -m stripe_bridge`: the same as `stripe-bridge web`."""

from stripe_bridge.bootstrap.early_commands import web

if __name__ == "__main__":
    web(prog_name="python -m stripe_bridge")
