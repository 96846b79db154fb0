"""Take a key out of a text, in every spelling that a server or a library might give it back in."""

from __future__ import annotations

import json
from urllib.parse import quote, quote_plus

SECRET = 8  # characters; a shorter "key" is none that a server made: it is a placeholder such as KEY, or a slip


def redacted(text: str, key: str | None) -> str:
    """The text without the key."""
    key = (key or "").strip()
    if len(key) < SECRET:
        return text
    forms = {key, quote(key), quote(key, safe=""), quote_plus(key), json.dumps(key)[1:-1]}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "[key]")
    return text
