"""What the command line reads and writes, by the endings of files; and the characters of ours."""

CHARACTERS = ("rigify", "mixamo", "unreal", "makehuman", "cmu")
CHARACTER_ENDINGS = (".blend", ".fbx", ".glb", ".gltf", ".vrm", ".bvh")
ANIMATION_ENDINGS = (".blend", ".fbx", ".glb", ".bvh")
GAME_ENDINGS = (".fbx", ".glb")
CLIP_ENDINGS = (".bvh", ".npz")
TAKES_ENDINGS = (".fbx", ".glb", ".gltf", ".blend")  # clips that Blender reads, several in a file
CONTROLS = ("fk", "ik")
QUALITIES = ("draft", "good", "best")
CAMERAS = ("still", "moving")
CONFIDENCES = ("curves", "csv", "none")  # how the sureness of joints is kept
CONFIDENCE_ENDING = ".confidence.csv"
ROOTS = ("hips", "bone", "in_place")
AXES = ("X", "Y", "Z", "-X", "-Y", "-Z")
LAYOUTS = ("blazepose", "coco17", "halpe26", "wholebody133", "openpose25", "h36m17", "holistic139", "canonical22")
PARTS = ("body", "feet", "hands", "face")
KEYPOINT_ENDINGS = (".json", ".npz", ".csv")
PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".heic", ".heif")
OVERLAY_VIDEOS, OVERLAY_PICTURES = (".mp4", ".mov", ".mkv"), (".png", ".jpg")
SOLVED_ENDINGS = (".bvh", ".trc")  # what poseloom pose writes of the motion
STYLES = ("poseloom", "coco", "openpose")  # of .json
