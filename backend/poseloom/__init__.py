"""Video, pictures and a few keyed poses become animation on the animator's own rig."""

__version__ = "0.1.0"
PROTOCOL = 1  # of the HTTP wire between extension and backend
