"""What the service can do, one module per capability. They do not import one another: `bootstrap` joins them."""
