"""A terminal with the commands, over the real use cases but nothing else that is real."""

import json
from dataclasses import replace
from typing import Any

import click
from click.testing import Result
from flask import Flask

from stripe_bridge.adapters.cli.commands import commands
from stripe_bridge.adapters.cli.context import CommandContext, attach_context
from stripe_bridge.adapters.cli.keys import keys_commands
from stripe_bridge.adapters.logs import redact
from stripe_bridge.config import Settings
from stripe_bridge.domain.access import Role
from stripe_bridge.ports.storage.unit_of_work import Store
from tests.adapters.web.world import ENVIRONMENT
from tests.builders import an_integration
from tests.fakes.vault import FakeVault
from tests.world import World

URL = "https://bridge.test/api/webhooks/stripe"


class Terminal:
    """`migration_error` is what the next migrations raise; `worked` counts the workers that ran, and
    `quieted` the commands that asked for quiet logs."""

    def __init__(self, world: World | None = None, store: Store | None = None) -> None:
        self.world = world or World()
        if store is not None:
            self.world.adapters = replace(self.world.adapters, store=store)
        self.world.restart()
        self.store, self.stripe, self.bridge = self.world.store, self.world.stripe, self.world.bridge
        self.revision: str | None = None
        self.migration_error: Exception | None = None
        self.worked = self.quieted = 0
        tools = CommandContext(
            bridge=self.bridge,
            migrate=self._migrate,
            current_revision=lambda: self.revision,
            newest_revision=lambda: "0002",
            run_worker=self._work,
            quiet_logs=self._quiet,
            settings=Settings.from_env(ENVIRONMENT).without_secrets(),
            render_metrics=lambda: self.world.adapters.metrics.render(
                self.bridge.operations.measure_backlog()
            ).decode(),
            redact=redact,
            has_our_keys=lambda text: ENVIRONMENT["ENCRYPTION_KEYS"] in text,
        )
        app = Flask(__name__)
        attach_context(app, lambda: tools)
        for command in (*(each.loaded() for each in commands()), keys_commands(lambda: "a-new-key")):
            app.cli.add_command(command)
        self.commands: click.Group = app.cli
        self._runner = app.test_cli_runner()

    def run(self, *arguments: object, stdin: str | bytes | None = None) -> Result:
        result = self._runner.invoke(args=list(map(str, arguments)), input=stdin)
        assert "Traceback" not in result.output
        # Any other exception than these ways to end a command is a bug of ours.
        assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
        return result

    def shown(self, *arguments: object) -> str:
        """The output that people read."""
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    def refused(self, *arguments: object, exit_code: int = 1) -> str:
        """Run a command that is refused; returns the sentence that says why."""
        result = self.run(*arguments)
        assert result.exit_code == exit_code, result.output
        return result.stderr

    def json(self, *arguments: object) -> Any:
        """The output that programs read: all of stdout is one document."""
        result = self.run(*arguments, "--json")
        assert (result.exit_code, result.stderr) == (0, "")
        return json.loads(result.stdout)

    def begin(self, tenant: str) -> None:
        """Begin a tenant, with its first token, as every tenant does."""
        self.bridge.access.create_token(tenant_id=tenant, role=Role.ADMIN, user_id=None, label="")

    def integrate(self) -> int:
        with self.store.writing() as work:
            added = work.integrations.add(
                an_integration(id=0, sealed_access_token=FakeVault().seal("sk_acct"))
            )
            work.commit()
        return added.id

    def _migrate(self) -> None:
        if self.migration_error is not None:
            raise self.migration_error
        self.revision = "0002"

    def _quiet(self) -> None:
        self.quieted += 1

    def _work(self) -> None:
        self.worked += 1
