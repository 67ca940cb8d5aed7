"""Why the playground gives up."""


class Fault(Exception):
    """Something is not as it should be; the message says what."""
