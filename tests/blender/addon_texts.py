"""Every text that the extension shows in RNA, and what the interface says for it in German.

    addon_texts.py [poseloom.zip]

Without a zip the extension is there already: in a real Blender.  Classes and properties as Blender has them
registered, not as their source says.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import bpy  # isort: skip
import addon_utils  # isort: skip
import session  # isort: skip

OPERATOR = "Operator"


def main(*arguments):
    extension = session.install(arguments[0]) if arguments else sys.modules[session.MODULE]
    texts, bare = _texts(extension)
    german = extension.registration.translations.LANGUAGES["de_DE"]
    found = {"texts": texts, "bare": bare, "german": german, "international": bpy.app.build_options.international}
    if found["international"]:
        found["said"] = _said(german)
        extension.registration.unregister()
        found["without us"] = _said(german)
        extension.registration.register()
        found["again"] = _said(german)
        found["sentence"] = extension.registration.translations.say("{name} has no action", name="{Hero}")
        addon_utils.disable(session.MODULE)
        found["disabled"] = _said(german)
    return found


def _texts(extension) -> tuple:
    """([(where, text)], [where a label or a tooltip is missing])."""
    texts = []
    for cls in extension.registration.CLASSES:
        kind, name = cls.bl_rna.base.identifier, cls.__name__
        if kind == "Operator":
            rna = getattr(bpy.ops.poseloom, cls.bl_idname.partition(".")[2]).get_rna_type()
            own = {"label": rna.name, "tooltip": rna.description}
        else:
            rna = cls.bl_rna
            own = {"label": cls.bl_label, "tooltip": cls.bl_description} if kind == "Panel" else {}
        texts += [(f"{name} {what}", text) for what, text in own.items()]
        for key in _annotations(cls):
            prop = rna.properties[key]
            if prop.is_hidden and not prop.description:
                continue  # a filter that the file browser reads
            texts += [(f"{name}.{key} label", prop.name), (f"{name}.{key} tooltip", prop.description)]
            for item in getattr(prop, "enum_items_static", ()):
                where = f"{name}.{key} {item.identifier}"
                texts += [(f"{where} label", item.name), (f"{where} tooltip", item.description)]
    bare = [where for where, text in texts if not text]
    return [(where, text) for where, text in texts if text], bare


def _annotations(cls) -> list:
    """Our own properties; those of Blender's mix-ins are translated by Blender."""
    ours = [base for base in cls.__mro__ if base.__module__.startswith(session.MODULE)]
    return [key for base in ours for key in base.__dict__.get("__annotations__", {})]


def _said(texts) -> dict:
    """{text: what the interface says as (label, button, tooltip)} in German."""
    view, i18n = bpy.context.preferences.view, bpy.app.translations
    view.language = "de_DE"
    view.use_translate_interface = view.use_translate_tooltips = True
    ask = (i18n.pgettext_iface, lambda text: i18n.pgettext_iface(text, OPERATOR), i18n.pgettext_tip)
    return {text: [said(text) for said in ask] for text in texts}


if "--" in sys.argv:  # inside a real Blender, which has arguments of its own
    Path(sys.argv[sys.argv.index("--") + 1]).write_text(json.dumps(main()), encoding="utf-8")
else:
    session.run(main)
