"""An emulator's WSGI application."""

from flask import Flask, jsonify, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from stripe_emulator.api.dispatch import dispatch
from stripe_emulator.api.http import respond
from stripe_emulator.control import Control
from stripe_emulator.control_routes import control_routes
from stripe_emulator.dashboard_pages import dashboard_pages
from stripe_emulator.emulator import Emulator
from stripe_emulator.oauth_routes import oauth_routes
from stripe_emulator.pages import pages

VERBS = ["GET", "POST", "DELETE", "PUT", "PATCH"]


def create_app(emulator: Emulator, control: Control) -> Flask:
    """Everything that an emulator serves."""
    app = Flask(__name__)
    # A cut connection is an exception that has to reach the server.
    app.config["PROPAGATE_EXCEPTIONS"] = True

    @app.route("/v1/<path:rest>", methods=VERBS, provide_automatic_options=False)
    def api(rest: str) -> Response:  # noqa: ARG001 (Flask passes what the rule matched)
        return respond(
            emulator, request, lambda request_id, faults: dispatch(emulator, request, request_id, faults)
        )

    @app.errorhandler(NotFound)
    def nothing_there(_error: NotFound) -> tuple[Response | str, int]:
        if request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html":
            return render_template("not_found.html"), 404
        message = f"There is nothing at {request.path}; for people, the start page is {emulator.url}/"
        return jsonify({"error": {"message": message}}), 404

    app.register_blueprint(pages(emulator, control))
    app.register_blueprint(dashboard_pages(emulator, control))
    app.register_blueprint(oauth_routes(emulator))
    app.register_blueprint(control_routes(emulator, control))
    return app
