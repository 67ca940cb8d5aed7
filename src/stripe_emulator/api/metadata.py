"""Stripe's limits on metadata, and how metadata is merged."""

from stripe_emulator.errors import Json, malformed

MAX_KEYS, MAX_KEY, MAX_VALUE = 50, 40, 500


def check_metadata(params: Json) -> None:
    """Refuse metadata over the limits, wherever it is in the parameters."""
    for name, value in params.items():
        if name in ("metadata", "invoice_metadata") and isinstance(value, dict):
            _check(name, value)
        elif isinstance(value, dict):
            check_metadata(value)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, dict):
                    check_metadata(item)


def _check(name: str, metadata: dict[str, str]) -> None:
    if len(metadata) > MAX_KEYS:
        raise malformed(f"Metadata can have up to {MAX_KEYS} keys, but you passed in {len(metadata)}.", name)
    for key, value in metadata.items():
        if len(key) > MAX_KEY:
            # Not recorded.
            raise malformed(f"Metadata keys can have up to {MAX_KEY} characters: '{key}'.", name)
        if len(value) > MAX_VALUE:
            message = (
                f"Metadata values can have up to {MAX_VALUE} characters, but you passed in a value that is"
            )
            raise malformed(f"{message} {len(value)} characters. Invalid value: {value}", f"{name}[{key}]")


def merged_metadata(metadata: Json, change: Json | str | None) -> Json:
    """The metadata after an update. A value is added or replaced, an empty value removes its key, an empty string all keys."""
    if change is None:
        return metadata
    if isinstance(change, str):
        return {}
    return {key: value for key, value in {**metadata, **change}.items() if value != ""}
