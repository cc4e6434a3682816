"""What the extension says in other languages: the texts of `german`, registered with Blender.

Blender looks up labels, tooltips and enum items by itself.  Sentences with names in them, and those of polls,
go through `say`.
"""

from __future__ import annotations

import bpy

from . import german, german_inbetween, german_media, german_people, german_pictures, german_render, german_retarget

# a button's text is looked up under "Operator", all else under "*"
CONTEXTS = ("*", "Operator")
_GERMAN = (german, german_retarget, german_inbetween, german_media, german_people, german_pictures, german_render)
LANGUAGES = {"de_DE": {text: said for part in _GERMAN for text, said in part.TEXTS.items()}}


def register() -> None:
    bpy.app.translations.register(__package__, {
        language: {(context, text): said for text, said in texts.items() for context in CONTEXTS}
        for language, texts in LANGUAGES.items()
    })  # fmt: skip


def unregister() -> None:
    bpy.app.translations.unregister(__package__)


def say(text: str, **values) -> str:
    """`text` in the interface's language, its {names} filled in afterwards."""
    said = bpy.app.translations.pgettext_iface(text)
    return said.format(**values) if values else said
