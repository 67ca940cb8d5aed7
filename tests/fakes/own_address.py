from stripe_bridge.ports.own_address import AddressUnreachable, Answer


class FakeOwnAddress:
    """The service behind its public address, until `answers` or `is_reachable` say otherwise."""

    def __init__(self) -> None:
        self.is_reachable = True
        self.answers = {
            "/healthz": Answer(status=200, body={"status": "ok", "version": "1.0.0"}),
            "/api/webhooks/stripe": Answer(status=405, body={"request_id": "r"}),
        }

    def get(self, url: str) -> Answer:
        if not self.is_reachable:
            raise AddressUnreachable(f"{url} cannot be reached from here (ConnectTimeout)")
        return next(answer for path, answer in self.answers.items() if url.endswith(path))
