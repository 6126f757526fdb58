"""The names of pictures in annotations, and what else may be meant by them."""

import unicodedata
from urllib.parse import unquote


def key_of(name: str) -> str:
    """Return a name by which a file is found, whatever its capitals; a Mac writes an umlaut as two characters."""
    return unicodedata.normalize("NFC", name).casefold()


def spellings(name: object) -> list[str]:
    """Return what a name may mean, the likeliest first: as it stands, decoded (%20), without the query of an address.

    Of Label Studio's address of a file on the disk (`...?d=PATH`), the path counts.
    """
    text = str(name)
    text = text.partition("?d=")[2] or text
    plain = text.partition("?")[0]
    return [found.replace("\\", "/") for found in dict.fromkeys([text, unquote(text), plain, unquote(plain)])]
