"""Applications are as others are, although they are made quickly."""

import pytest
from flask import Flask, url_for
from werkzeug.routing import BuildError


def an_app(folder, greeting):
    folder.mkdir()
    (folder / "page.html").write_text(f"{greeting}, {{{{ name }}}}")
    app = Flask(__name__, template_folder=str(folder))
    app.add_url_rule("/orders/<int:number>/<path:rest>", "order")
    app.add_url_rule("/", "start", defaults={"page": 1})
    return app


def test_urls_are_built_and_those_that_cannot_be_are_not(tmp_path):
    with an_app(tmp_path / "a", "Hello").test_request_context():
        assert url_for("order", number=7, rest="a/b c") == "/orders/7/a/b%20c"
        assert url_for("order", number=8, rest="d", page=2) == "/orders/8/d?page=2"
        assert url_for("start") == "/"
        with pytest.raises(BuildError):
            url_for("order", number=7)


def test_each_application_shows_its_own_templates(tmp_path):
    apps = [an_app(tmp_path / greeting, greeting) for greeting in ("Hello", "Bye", "Hello again")]
    for app, greeting in zip(apps, ("Hello", "Bye", "Hello again"), strict=True):
        with app.app_context():
            assert app.jinja_env.get_template("page.html").render(name="Ada") == f"{greeting}, Ada"
