"""JSON Web Tokens of the ERP's identity provider, by PyJWT."""

from stripe_bridge.adapters.identity.jwt_provider import JwtIdentityProvider, JwtTrust

__all__ = ["JwtIdentityProvider", "JwtTrust"]
