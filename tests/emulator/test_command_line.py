"""`python -m stripe_emulator`: its options, also from the environment."""

import pytest

from stripe_emulator.__main__ import parser, settings_from


def test_options_count_before_the_environment_and_both_before_the_defaults():
    environ = {"EMULATOR_PORT": "1", "EMULATOR_RETRY_BASE": "0.5", "EMULATOR_VOID_UNCOLLECTIBLE": "1"}
    options = parser(environ).parse_args(["--port", "2"])
    settings = settings_from(options)

    assert options.port == 2
    assert settings["retry_base"] == 0.5
    assert settings["void_uncollectible"] is True
    assert settings["allow_account_endpoints"] is False


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [(["--port", "abc"], {}), ([], {"EMULATOR_PORT": "abc"}), (["--retry-cap", "soon"], {})],
)
def test_what_is_no_number_is_refused_in_a_sentence(arguments, environ, capsys):
    with pytest.raises(SystemExit) as ended:
        parser(environ).parse_args(arguments)
    assert ended.value.code == 2
    assert "invalid" in capsys.readouterr().err
