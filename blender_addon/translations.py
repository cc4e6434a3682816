"""What the extension says in other languages: the texts of `german`, registered with Blender.

Blender looks up labels, tooltips and enum items by itself.  Sentences with names in them, and those of polls,
go through `say`.
"""

from __future__ import annotations

import bpy

from . import german, german_inbetween, german_media, german_render, german_retarget

# a button's text is looked up under "Operator", all else under "*"
CONTEXTS = ("*", "Operator")
LANGUAGES = {"de_DE": {**german.TEXTS, **german_retarget.TEXTS, **german_inbetween.TEXTS, **german_media.TEXTS, **german_render.TEXTS}}


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
