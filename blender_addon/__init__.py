"""Poseloom in Blender: reads armatures into arrays, asks the kernel or the backend, writes keys back."""


def register():
    from . import registration

    registration.register()


def unregister():
    from . import registration

    registration.unregister()
