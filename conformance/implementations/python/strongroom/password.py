"""Passwords as the OpaqueString of RFC 8265 (opaque.md)."""

import unicodedata

import regex

from .errors import Refused

IGNORABLE = regex.compile(r"\p{Default_Ignorable_Code_Point}")
JAMO = regex.compile(r"[\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7fb]")
EXCEPTIONS = set("\u0640\u07fa\u302e\u302f\u3031\u3032\u3033\u3034\u3035\u303b")
KANA_OR_HAN = regex.compile(r"[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]")
GREEK, HEBREW = regex.compile(r"\p{Script=Greek}"), regex.compile(r"\p{Script=Hebrew}")
ARABIC_INDIC, EXTENDED_ARABIC_INDIC = regex.compile("[\u0660-\u0669]"), regex.compile(
    "[\u06f0-\u06f9]"
)


def prepare(text: str) -> bytes:
    """The bytes of a password, or `invalid-password`."""
    spaced = "".join(" " if unicodedata.category(c) == "Zs" else c for c in text)
    try:
        spaced.encode()
    except UnicodeEncodeError:
        raise Refused("invalid-password") from None
    normal = unicodedata.normalize("NFC", spaced)
    data = normal.encode()
    in_context = all(in_its_context(normal, i) for i in range(len(normal)))
    if not all(map(allowed, normal)) or not in_context or not 1 <= len(data) <= 65535:
        raise Refused("invalid-password")
    return data


def allowed(c: str) -> bool:
    if c == " ":
        return True
    known = unicodedata.category(c)[0] in "LMNPS"
    return known and not (IGNORABLE.match(c) or JAMO.match(c) or c in EXCEPTIONS)


def in_its_context(text: str, i: int) -> bool:
    """The rules A.3 to A.9 of RFC 5892 for one character."""
    c, before, after = text[i], text[i - 1 : i] if i else "", text[i + 1 : i + 2]
    if c == "\u00b7":
        return before == after == "l"
    if c == "\u0375":
        return bool(GREEK.match(after))
    if c in "\u05f3\u05f4":
        return bool(HEBREW.match(before))
    if c == "\u30fb":
        return bool(KANA_OR_HAN.search(text))
    if ARABIC_INDIC.match(c):
        return not EXTENDED_ARABIC_INDIC.search(text)
    if EXTENDED_ARABIC_INDIC.match(c):
        return not ARABIC_INDIC.search(text)
    return True
