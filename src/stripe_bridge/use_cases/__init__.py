"""What the service can do, one module per capability. A room builds its own from the ports; `bootstrap` joins them."""
