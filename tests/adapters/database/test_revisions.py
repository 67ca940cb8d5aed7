"""The revisions that are read without Alembic are those that it would find."""

from alembic.script import ScriptDirectory
from sqlalchemy import text

from stripe_bridge.adapters.database import create_engine
from stripe_bridge.adapters.database.migrations_runner import migrating
from stripe_bridge.adapters.database.revisions import current_revision, known_revisions, newest_revision


def test_the_known_revisions_are_those_of_alembic(sqlite_url: str):
    with migrating(sqlite_url) as config:
        scripts = ScriptDirectory.from_config(config)

    assert known_revisions() == {script.revision for script in scripts.walk_revisions()}
    assert newest_revision() == scripts.get_current_head()


def test_a_migrated_database_is_at_the_newest_revision_and_one_without_a_schema_at_none(database_url: str):
    engine = create_engine(database_url)
    with engine.begin() as connection:
        assert current_revision(connection) == newest_revision()
        connection.execute(text("DROP TABLE alembic_version"))
        assert current_revision(connection) is None
    engine.dispose()
