"""An identity provider for tests, which publishes its keys over HTTP."""

import json
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from tests.servers.answering import Answering

ISSUER, AUDIENCE = "https://id.example.com/", "stripe-bridge"


class Provider(Answering):
    """An identity provider with one published key, for as long as its context lasts."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.fetches = 0
        published = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key()))
        keys = {"keys": [published | {"kid": "k1", "use": "sig", "alg": "ES256"}]}
        self.answer, self.breaks_off = json.dumps(keys).encode(), False
        self.may_answer = threading.Event()
        self.may_answer.set()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.fetches += 1
                provider.may_answer.wait()
                self.send_response(200)
                self.send_header("Content-Length", str(len(provider.answer)))
                self.end_headers()
                if provider.breaks_off:
                    # Closed with a reset, as a firewall would.
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.close_connection = True
                    self.connection.close()
                else:
                    self.wfile.write(provider.answer)

            def log_message(self, *_: Any) -> None:
                pass

        super().__init__(Handler)
        self.url = f"{self.address}/jwks.json"

    def __exit__(self, *_: object) -> None:
        self.may_answer.set()
        super().__exit__()

    def token(self, *, kid: str = "k1", key: Any = None, algorithm: str = "ES256", **claims: Any) -> str:
        now = int(time.time())
        given = {"iss": ISSUER, "aud": AUDIENCE, "sub": "u-7", "exp": now + 60} | {
            "tenant": "acme",
            "role": "member",
            "user_id": 7,
        }
        content = {name: value for name, value in (given | claims).items() if value is not None}
        return jwt.encode(content, key or self.key, algorithm=algorithm, headers={"kid": kid})
