"""The control API over HTTP; docs/emulator.md has examples."""

import json
from typing import Any, NoReturn

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import BadRequest

from stripe_emulator.connecting import OAuthRefusal
from stripe_emulator.control import Control
from stripe_emulator.emulator import Emulator
from stripe_emulator.errors import Json, StripeError
from stripe_emulator.misbehavior import MisbehaviorError


def control_routes(emulator: Emulator, control: Control) -> Blueprint:
    """Everything under /_emulator."""
    routes = Blueprint("control", __name__, url_prefix="/_emulator")
    _refusals(routes)
    _observing(routes, emulator, control)
    _acting(routes, control)
    _invoices(routes, control)
    _charges(routes, control)
    return routes


def _refusals(routes: Blueprint) -> None:
    @routes.errorhandler(StripeError)
    def refused(error: StripeError) -> tuple[Response, int]:
        return jsonify(error.body()), error.status

    @routes.errorhandler(OAuthRefusal)
    def refused_by_oauth(error: OAuthRefusal) -> tuple[Response, int]:
        return jsonify(error.body()), error.status

    @routes.errorhandler(BadRequest)
    @routes.errorhandler(MisbehaviorError)
    @routes.errorhandler(TypeError)
    @routes.errorhandler(json.JSONDecodeError)
    def misunderstood(error: Exception) -> tuple[Response, int]:
        return jsonify({"error": {"message": str(error)}}), 400


def _observing(routes: Blueprint, emulator: Emulator, control: Control) -> None:
    @routes.get("/objects/<kind>")
    def objects(kind: str) -> Response:
        return jsonify({"data": control.objects(kind)})

    @routes.get("/wire-log")
    def wire_log() -> Response:
        lines = "".join(line + "\n" for line in emulator.wire_log.lines())
        return Response(lines, content_type="application/x-ndjson")

    @routes.get("/clock")
    def clock() -> Response:
        return jsonify(control.clock())

    @routes.get("/misbehavior")
    def misbehavior() -> Response:
        return jsonify(control.misbehavior())


def _acting(routes: Blueprint, control: Control) -> None:
    @routes.put("/misbehavior")
    def misbehave() -> Response:
        return jsonify(control.misbehave(request.get_json(force=True)))

    @routes.post("/clock")
    def advance_clock() -> Response:
        return jsonify(control.advance_clock(**_arguments()))

    @routes.post("/reset")
    def reset() -> Response:
        control.reset()
        return jsonify({"reset": True})

    @routes.post("/accounts")
    def create_account() -> Response:
        return jsonify(control.create_account(**_arguments()))

    @routes.post("/accounts/<account>")
    def change_account(account: str) -> Response:
        return jsonify(control.change_account(account, _arguments()))

    @routes.post("/accounts/<account>/api-version")
    def set_api_version(account: str) -> Response:
        return jsonify(control.set_api_version(account, **_arguments()))

    @routes.post("/accounts/<account>/revoke")
    def revoke(account: str) -> Response:
        return jsonify(control.revoke(account))

    @routes.post("/events/<event>/redeliver")
    def redeliver(event: str) -> Response:
        return jsonify({"data": control.redeliver(event)})

    @routes.post("/deliveries/release")
    def release() -> Response:
        return jsonify({"data": control.release(**_arguments())})


def _invoices(routes: Blueprint, control: Control) -> None:
    @routes.post("/invoices/<invoice>/pay")
    def pay(invoice: str) -> Response:
        return jsonify(control.pay(invoice, **_arguments()))

    @routes.post("/invoices/<invoice>/settle-processing")
    def settle_processing(invoice: str) -> Response:
        return jsonify(control.settle_processing(invoice, **_arguments()))

    @routes.post("/invoices/<invoice>/void")
    def void(invoice: str) -> Response:
        return jsonify(control.void(invoice))

    @routes.post("/invoices/<invoice>/revise")
    def revise(invoice: str) -> Response:
        return jsonify(control.revise(invoice))

    @routes.post("/invoices/<invoice>/mark-uncollectible")
    def mark_uncollectible(invoice: str) -> Response:
        return jsonify(control.mark_uncollectible(invoice))

    @routes.post("/invoices/<invoice>/credit-note")
    def credit(invoice: str) -> Response:
        return jsonify(control.credit(invoice, **_arguments()))

    @routes.post("/customers/<customer>/balance")
    def adjust_balance(customer: str) -> Response:
        return jsonify(control.adjust_balance(customer, **_arguments()))


def _charges(routes: Blueprint, control: Control) -> None:
    @routes.post("/charges/<charge>/refund")
    def refund(charge: str) -> Response:
        return jsonify(control.refund(charge, **_arguments()))

    @routes.post("/refunds/<refund>")
    def change_refund(refund: str) -> Response:
        return jsonify(control.change_refund(refund, **_arguments()))

    @routes.post("/charges/<charge>/dispute")
    def dispute(charge: str) -> Response:
        return jsonify(control.dispute(charge, **_arguments()))

    @routes.post("/disputes/<dispute>")
    def change_dispute(dispute: str) -> Response:
        return jsonify(control.change_dispute(dispute, **_arguments()))

    @routes.post("/checkout-sessions")
    def finish_checkout() -> Response:
        return jsonify(control.finish_checkout(**_arguments()))


def _arguments() -> Json:
    """The body, which may be missing, as keyword arguments. No number in Stripe's objects has a fraction."""
    body = request.get_data(as_text=True)
    given: Any = json.loads(body, parse_float=_refuse_fraction) if body else {}
    if not isinstance(given, dict):
        raise TypeError("the body must be a JSON object")
    return given


def _refuse_fraction(number: str) -> NoReturn:
    raise TypeError(f"not a whole number: {number}")
