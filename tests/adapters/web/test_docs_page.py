"""The page at /docs, which asks for a token to try things."""


def test_the_page_keeps_no_token_beyond_the_tab_and_removes_one_that_was_kept(world):
    with world.client.get("/docs/start.js") as answer:
        script = answer.get_data(as_text=True)
    assert "persistAuthorization" not in script
    assert 'localStorage.removeItem("authorized")' in script
