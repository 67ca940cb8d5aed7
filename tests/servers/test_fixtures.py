"""The fixtures over the service's own migrations."""

import pytest
from sqlalchemy import create_engine, inspect, text


@pytest.fixture
def engine(database_url):
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("test", ["first", "second"])
def test_every_test_has_a_migrated_database_that_no_other_test_wrote_to(engine, test):
    assert "alembic_version" in inspect(engine).get_table_names()
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE written_by_a_test (id int)"))
