"""A former release's source, for tests and benchmarks."""

import pytest

from tests.former_release import NotInHistory, unpack_release


def test_the_source_of_a_commit_is_unpacked(tmp_path):
    assert (unpack_release("ca7996c", tmp_path) / "src" / "stripe_bridge").is_dir()


def test_a_commit_that_the_clone_does_not_have_is_named_with_what_to_do(tmp_path):
    with pytest.raises(
        NotInHistory, match="Commit 0000000 is not in this clone's history: run `git fetch --unshallow`"
    ):
        unpack_release("0000000", tmp_path)
    assert not list(tmp_path.iterdir())
