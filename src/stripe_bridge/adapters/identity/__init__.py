"""The ERP's identity provider: its JSON Web Tokens, by PyJWT; and signing people in, by Authlib, in `oidc`, which is loaded
only where it is set up."""

from stripe_bridge.adapters.identity.claims import ClaimNames
from stripe_bridge.adapters.identity.jwt_provider import JwtIdentityProvider, JwtTrust

__all__ = ["ClaimNames", "JwtIdentityProvider", "JwtTrust"]
