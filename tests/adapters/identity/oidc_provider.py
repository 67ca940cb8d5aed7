"""A small OpenID provider for tests: it publishes addresses and keys, sends people back with a code, and redeems it once."""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from tests.servers.answering import Answering

CLIENT_ID, CLIENT_SECRET = "console", "a secret & more: of the client"
REDIRECT_URI = "https://bridge.test/console/oidc/callback"


class OidcProvider(Answering):
    """`claims` are what it says of whoever signs in; `breaks` is what is wrong with it. `now` is in seconds."""

    def __init__(self, now: Callable[[], float], *, methods: list[str] | None = None) -> None:
        self._now, self._methods = now, methods
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.claims: dict[str, Any] = {"sub": "u-7", "tenant": "acme", "role": "admin", "user_id": 7}
        self.breaks: set[str] = set()
        self.redeemed: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}
        super().__init__(_handler(self))
        self.issuer = self.address

    def approve(self, url: str, **changes: str) -> str:
        """Somebody who was sent to `url` signs in there. Returns the address that leads him back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert url.startswith(f"{self.issuer}/authorize?")
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT_ID)
        assert (asked["redirect_uri"], asked["code_challenge_method"]) == (REDIRECT_URI, "S256")
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(8)
        self._codes[code] = asked
        answer = {"code": code, "state": asked["state"], "iss": self.issuer} | changes
        return f"{REDIRECT_URI}?{urlencode(answer)}"

    def document(self) -> dict[str, Any]:
        described = {
            "issuer": "https://elsewhere.example" if "issuer" in self.breaks else self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
        }
        if self._methods is not None:
            described["token_endpoint_auth_methods_supported"] = self._methods
        return described

    def keys(self) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key()))
        return {"keys": [public | {"kid": "k1", "use": "sig", "alg": "ES256"}]}

    def redeem(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        asked = self._codes.pop(form.get("code", ""), None)
        if not self._is_client(form, authorization):
            return 401, {"error": "invalid_client"}
        if asked is None or form.get("redirect_uri") != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        challenge = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(challenge).rstrip(b"=").decode() != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        self.redeemed.append(form["code"])
        answer = {"access_token": "at", "token_type": "Bearer", "expires_in": 60}
        if "no ID token" not in self.breaks:
            answer["id_token"] = self._id_token(asked["nonce"])
        return 200, answer

    def _is_client(self, form: dict[str, str], authorization: str) -> bool:
        if self._methods == ["client_secret_post"]:
            return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        return authorization.startswith("Basic ") and "client_secret" not in form

    def _id_token(self, nonce: str) -> str:
        now = int(self._now())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 60, "nonce": nonce}
        claims |= self.claims
        changes: dict[str, dict[str, Any]] = {
            "nonce": {"nonce": "another"},
            "no nonce": {"nonce": None},
            "audience": {"aud": "another"},
            "party": {"aud": [CLIENT_ID, "another"], "azp": "another"},
            "expired": {"exp": now - 3600},
            "issuer of token": {"iss": "https://elsewhere.example"},
        }
        for fault in self.breaks & changes.keys():
            claims |= changes[fault]
        claims = {name: value for name, value in claims.items() if value is not None}
        if "unsigned" in self.breaks:
            return jwt.encode(claims, "", algorithm="none", headers={"kid": "k1"})
        if "shared secret" in self.breaks:
            secret = CLIENT_SECRET.ljust(32, "x")
            return jwt.encode(claims, secret, algorithm="HS256", headers={"kid": "k1"})
        key = ec.generate_private_key(ec.SECP256R1()) if "key" in self.breaks else self._key
        return jwt.encode(claims, key, algorithm="ES256", headers={"kid": "k1"})


def _handler(provider: OidcProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pages = {"/.well-known/openid-configuration": provider.document, "/jwks": provider.keys}
            is_down = "down" in provider.breaks
            self._answer(503 if is_down else 200, {} if is_down else pages[self.path]())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            if "down" in provider.breaks:
                self._answer(503, {})
            else:
                self._answer(*provider.redeem(form, self.headers.get("Authorization", "")))

        def _answer(self, status: int, content: dict[str, Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
