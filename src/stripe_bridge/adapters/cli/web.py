"""`stripe-bridge web`, and `python -m stripe_bridge`: the command that serves HTTP."""

from __future__ import annotations

from collections.abc import Callable

import click

from stripe_bridge.adapters.cli.version import DISTRIBUTION


def web_command(serve: Callable[[str, int, int], None], openapi_document: Callable[[], str]) -> click.Command:
    """`serve` takes the host, the port and the number of processes."""

    def print_openapi(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
        if wanted:
            click.echo(openapi_document(), nl=False)
            context.exit()

    @click.command()
    @click.version_option(package_name=DISTRIBUTION, prog_name=DISTRIBUTION, message="%(prog)s %(version)s")
    @click.option(
        "--openapi",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=print_openapi,
        help="Print the OpenAPI document and exit. Needs no settings.",
    )
    @click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
    @click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
    @click.option(
        "--workers",
        default=1,
        show_default=True,
        type=click.IntRange(1),
        help="How many processes to run. More than one needs REDIS_URL.",
    )
    def web(host: str, port: int, workers: int) -> None:
        """Serve the API and the webhook receivers over HTTP.

        \b
        Examples:
          stripe-bridge web --port 8000
          stripe-bridge web --host 0.0.0.0 --workers 4
        The same, with Python's own command:
          python -m stripe_bridge --port 8000
        """
        serve(host, port, workers)

    return web
