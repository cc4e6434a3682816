"""`blender --command poseloom ...`: the same verbs as the program, inside a Blender that is there."""

import bpy

command = None


def register():
    global command
    command = bpy.utils.register_cli_command("poseloom", main)


def unregister():
    global command
    bpy.utils.unregister_cli_command(command)
    command = None


def main(arguments: list) -> int:
    return 1
