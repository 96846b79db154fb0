"""What a form sent, read with limits, and its fields as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from fastapi import Request
from starlette.datastructures import UploadFile

from grader.server.errors import BadBody, Invalid, TooLarge

MOST_BYTES = 2 * 1024 * 1024  # of a form; a roster of 10,000 people is half of it
MOST_FIELDS = 20_000
STRANGERS_BYTES, STRANGERS_FIELDS = 16 * 1024, 20  # of the sign-in form


@dataclass(frozen=True)
class Form:
    """The fields of a form. A field that was not sent is empty: the browser leaves out what is not ticked."""

    fields: dict[str, list[str]]  # by name
    files: dict[str, bytes]  # contents by the field's name

    def text(self, name: str) -> str:
        """The field's text, without blanks around it."""
        return self.fields.get(name, [""])[0].strip()

    def all(self, name: str) -> list[str]:
        """The texts of all fields of this name, as they are."""
        return self.fields.get(name, [])

    def whole(self, name: str, label: str, most: int) -> int:
        """A whole number from 0 to `most`; Invalid, with the field's label, where it is none."""
        text = self.text(name)
        if not (text.isascii() and text.isdigit()) or int(text[:10]) > most:
            raise Invalid(f"{label}: {_shown(text)} is not a whole number from 0 to {most}.")
        return int(text)

    def moment(self, name: str, label: str) -> datetime | None:
        """A time in UTC, as a datetime-local field sends it; None where the field is empty."""
        text = self.text(name)
        if not text:
            return None
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise Invalid(f"{label}: {_shown(text)} is not a time; expected one like 2026-12-01 23:59 (UTC).") from None
        return found.replace(tzinfo=timezone.utc) if found.tzinfo is None else found.astimezone(timezone.utc)


async def read_form(request: Request) -> Form:
    """The form of a request; TooLarge before anything big is kept."""
    return await _read(request, MOST_BYTES, MOST_FIELDS)


async def read_strangers_form(request: Request) -> Form:
    """The form of somebody who is nobody yet: a key fits. Taking 2 MB apart stops everybody else for half a second."""
    return await _read(request, STRANGERS_BYTES, STRANGERS_FIELDS)


async def _read(request: Request, most_bytes: int, most_fields: int) -> Form:
    declared = request.headers.get("content-length", "")
    if not declared.isdigit() or int(declared) > most_bytes:
        size = f"{most_bytes >> 20} MB" if most_bytes >> 20 else f"{most_bytes >> 10} kB"
        raise TooLarge(f"A form may have {size}.")
    fields: dict[str, list[str]] = {}
    files: dict[str, bytes] = {}
    async with request.form(max_files=1, max_fields=most_fields) as sent:
        for name, value in sent.multi_items():
            if isinstance(value, UploadFile):
                files[name] = await value.read()
            else:
                fields.setdefault(name, []).append(value)
    if any("\0" in value for values in fields.values() for value in values):
        raise BadBody("A field of the form holds a zero byte, which no database keeps.")
    return Form(fields, files)


def _shown(text: str) -> str:
    return repr(text[:40]) if text else "nothing"
