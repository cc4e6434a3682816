"""Installs, enables and disables the extension; what it left behind, and what it had added."""

import threading
import time

import bpy  # first: it makes addon_utils importable
import addon_utils  # isort: skip
import session


def main(path):
    session.enable_extensions()
    before = _traces()
    extension = session.install(path)
    during = _traces()
    added = {kind: sorted(during[kind] - before[kind]) for kind in before}
    for _ in range(2):
        extension.registration.jobs.start("Slow", _slow, lambda value: "")
        addon_utils.disable(session.MODULE)  # while it works
        after = _traces()
        jobs, cli = extension.registration.jobs, extension.registration.cli
        timers = [f.__name__ for f in (jobs._tick, jobs._do_soon, jobs._seen) if bpy.app.timers.is_registered(f)]
        left = {kind: sorted(after[kind] - before[kind]) for kind in before}
        commands = cli.command is not None
        addon_utils.enable(session.MODULE)
    threads = [thread.name for thread in threading.enumerate() if "poseloom" in thread.name]
    had_command = cli.command is not None
    addon_utils.disable(session.MODULE)
    return {
        "added": added, "left": left, "timers": timers, "threads": threads, "command_left": commands,
        "had_command": had_command,
    }  # fmt: skip


def _slow(report):
    while True:
        report(0.5, "Still at it")
        time.sleep(0.05)


def _traces():
    handlers = {
        f"{name}:{f.__module__}.{f.__name__}"
        for name in dir(bpy.app.handlers)
        if isinstance(found := getattr(bpy.app.handlers, name), list)
        for f in found
    }
    draws = getattr(bpy.types.STATUSBAR_HT_header.draw, "_draw_funcs", [])
    return {
        "types": {name for name in dir(bpy.types) if "poseloom" in name.lower()},
        "operators": {name for name in dir(bpy.ops.poseloom)},
        "scene": {prop.identifier for prop in bpy.types.Scene.bl_rna.properties},
        "handlers": handlers,
        # Blender's own draw stays in that list once anything has been added to it
        "draws": {f"{f.__module__}.{f.__name__}" for f in draws if not f.__module__.startswith("bl_ui")},
    }


session.run(main)
