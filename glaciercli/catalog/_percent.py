"""Names beyond ASCII as boto 2 sent them: each byte of their UTF-8 as `%C5`, all of ASCII as it is.

boto 2 quotes every header that is not ASCII, the description among them, and leaves `%` alone
(`HTTPRequest.authorize` of its boto/connection.py). So its writing can be told from other people's:
only bytes beyond ASCII are escaped, in capitals, and together they are whole letters.
"""

from __future__ import annotations

import re

_BYTES = re.compile(r"(?:%[89A-F][0-9A-F])+")
_ANY = re.compile(r"%[0-9A-Fa-f]{2}")
_LETTERS = re.compile(r"[^\0-\x7f]+")


def decoded(text: str) -> str:
    """Return a text with the letters that boto 2 has escaped; the text itself where it did not.

    It did not where an escape is no part of a letter, stands for ASCII or is in small letters, nor
    where something would come out that does not print.
    """
    if "%" not in text:
        return text
    try:
        found = _BYTES.sub(lambda match: _letters(match[0]), text)
    except UnicodeDecodeError:
        return text
    is_certain = found.isprintable() and not _ANY.search(found) and encoded(found) == text
    return found if is_certain else text


def encoded(text: str) -> str:
    """Return a text as boto 2 sent it; bytes that are no letters have no escape, and stay."""
    return _LETTERS.sub(lambda match: _escapes(match[0]), text)


def spellings(name: str) -> list[str]:
    """Return a name and what it is called in the other writing, if it has one."""
    return list(dict.fromkeys((name, decoded(name), encoded(name))))


def _letters(escapes: str) -> str:
    return bytes.fromhex(escapes.replace("%", "")).decode()


def _escapes(letters: str) -> str:
    try:
        return "".join(f"%{byte:02X}" for byte in letters.encode())
    except UnicodeEncodeError:
        return letters
