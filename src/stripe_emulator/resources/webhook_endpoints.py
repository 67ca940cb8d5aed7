"""Webhook endpoints: where events are sent."""

import urllib.parse

from stripe_emulator.api.call import Call
from stripe_emulator.api.listing import page
from stripe_emulator.api.metadata import merged_metadata
from stripe_emulator.errors import Json, StripeError, invalid
from stripe_emulator.identifiers import new_id
from stripe_emulator.store import Record
from stripe_emulator.versions import check_version

MAX_ENDPOINTS = 16


def create(call: Call) -> Json:
    """POST /v1/webhook_endpoints: the only answer that contains the secret."""
    params = call.params
    _refuse_connected(call)
    _check_url(params["url"])
    if len(list(call.tx.store.newest_first("webhook_endpoints", call.account))) >= MAX_ENDPOINTS:
        raise invalid(f"You have reached the maximum of {MAX_ENDPOINTS} test webhook endpoints.")
    if not params["enabled_events"]:
        # Not recorded.
        raise invalid("You must pass at least one event.", "enabled_events")
    version = params.get("api_version")
    if version is not None:
        check_version(version)
    body: Json = {
        "id": new_id("we"),
        "object": "webhook_endpoint",
        "api_version": version,
        "application": None,
        "created": call.tx.now,
        "description": params.get("description") or None,
        "enabled_events": params["enabled_events"],
        "livemode": False,
        "metadata": merged_metadata({}, params.get("metadata")),
        "status": "enabled",
        "url": params["url"],
    }
    connect = params.get("connect", False)
    if connect:
        body["application"] = call.tx.settings.client_id
    secret = new_id("whsec")
    call.tx.insert("webhook_endpoints", call.account, body, {"secret": secret, "connect": connect})
    return {**body, "secret": secret}


def retrieve(call: Call) -> Json:
    """GET /v1/webhook_endpoints/{webhook_endpoint}."""
    return _endpoint(call).body


def update(call: Call) -> Json:
    """POST /v1/webhook_endpoints/{webhook_endpoint}."""
    record, params = _endpoint(call), call.params
    body = call.tx.edit(record)
    if "url" in params:
        _check_url(params["url"])
        body["url"] = params["url"]
    if "enabled_events" in params:
        body["enabled_events"] = params["enabled_events"]
    if "description" in params:
        body["description"] = params["description"] or None
    if "disabled" in params:
        body["status"] = "disabled" if params["disabled"] else "enabled"
    body["metadata"] = merged_metadata(body["metadata"], params.get("metadata"))
    return body


def delete(call: Call) -> Json:
    """DELETE /v1/webhook_endpoints/{webhook_endpoint}."""
    record = _endpoint(call)
    call.tx.remove(record)
    return {"id": record.id, "object": "webhook_endpoint", "deleted": True}


def list_(call: Call) -> Json:
    """GET /v1/webhook_endpoints."""
    _refuse_access(call)
    return page(call, "webhook_endpoints", "/v1/webhook_endpoints")


def _endpoint(call: Call) -> Record:
    _refuse_access(call)
    return call.record("webhook_endpoints", "webhook endpoint", "webhook_endpoint")


def _refuse_connected(call: Call) -> None:
    if call.is_connected and not call.tx.settings.allow_account_endpoints:
        raise StripeError(
            "You are not permitted to configure webhook endpoints on a connected account. Did you mean to create a "
            "Connect webhook on your account instead?"
        )


def _refuse_access(call: Call) -> None:
    """A platform may not even read its connected accounts' endpoints.

    The answer is recorded for creating one through the `Stripe-Account` header; that reading is refused as well is not.
    """
    if call.is_connected and not call.tx.settings.allow_account_endpoints:
        raise StripeError(
            f"This application does not have the required permissions for this endpoint on account '{call.account}'. "
            "The required permissions are not available for use by Connect applications.",
            status=403,
            code="more_permissions_required_for_application",
        )


def _check_url(url: str) -> None:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise invalid(
            "Invalid URL: An explicit scheme (such as https) must be provided.", "url", "url_invalid"
        )
