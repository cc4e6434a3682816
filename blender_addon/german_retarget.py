"""German for what a clip is taken from, how it is understood, and settings kept under a name."""

TEXTS = {
    "Motion capture, and animation of other characters, on the active armature":
        "Motion Capture und Animation anderer Figuren auf das aktive Skelett übertragen",
    # where the clip is
    "Source": "Quelle",
    "Where the clip is": "Wo der Clip ist",
    "File": "Datei",
    "A file: BVH, FBX, glTF, another blend file, or a motion of ours":
        "Eine Datei: BVH, FBX, glTF, eine andere Blend-Datei oder eine Bewegung von uns",
    "Another armature of this scene, and the action it plays":
        "Ein anderes Skelett dieser Szene und die Aktion, die es spielt",
    "The file to take the clip from: BVH, FBX, GLB, glTF, blend, or a motion of ours (npz)":
        "Die Datei, aus der der Clip kommt: BVH, FBX, GLB, glTF, Blend oder eine Bewegung von uns (npz)",
    "Take": "Aufnahme",
    "Takes": "Aufnahmen",
    "Which of the clips in the file": "Welcher der Clips in der Datei",
    "The clips in the file of the panel": "Die Clips in der Datei des Bedienfelds",
    "The file that the takes are in": "Die Datei, in der die Aufnahmen sind",
    "The armature whose action is put on the active one; it stays as it is":
        "Das Skelett, dessen Aktion auf das aktive übertragen wird; es bleibt, wie es ist",
    "Choose a clip": "Clip wählen",
    "Choose a clip first": "Zuerst einen Clip wählen",
    "Choose one of its takes": "Eine ihrer Aufnahmen wählen",
    "Choose an armature that has an action": "Ein Skelett wählen, das eine Aktion hat",
    "Select the armature to animate": "Das Skelett auswählen, das animiert werden soll",
    "Find Takes": "Aufnahmen suchen",
    "Look into the file in the panel, and list its takes":
        "In die Datei im Bedienfeld sehen und ihre Aufnahmen auflisten",
    "Return only when they are found": "Erst zurückkehren, wenn sie gefunden sind",
    "Retarget File": "Datei übertragen",
    "Put a motion capture file on the active armature, as a new action at the playhead":
        "Eine Motion-Capture-Datei als neue Aktion ab dem Abspielkopf auf das aktive Skelett übertragen",
    "Retarget Take": "Aufnahme übertragen",
    "Put a take of an FBX, glTF or blend file on the active armature, as a new action at the playhead":
        "Eine Aufnahme aus einer FBX-, glTF- oder Blend-Datei als neue Aktion ab dem Abspielkopf auf das aktive "
        "Skelett übertragen",
    "The file with the take": "Die Datei mit der Aufnahme",
    "Name of the take; empty: the only one": "Name der Aufnahme; leer: die einzige",
    "Retarget from Armature": "Von Skelett übertragen",
    "Put what another armature of this scene plays on the active one, as a new action; the other stays as it is":
        "Was ein anderes Skelett dieser Szene spielt, als neue Aktion auf das aktive übertragen; das andere bleibt, "
        "wie es ist",
    "Name of the armature that plays the clip": "Name des Skeletts, das den Clip spielt",
    "Begin at the current frame; otherwise where the source's action begins":
        "Am aktuellen Bild beginnen; sonst da, wo die Aktion der Quelle beginnt",
    "Put every clip of a folder on the active armature, each as an action of its own":
        "Jeden Clip eines Ordners auf das aktive Skelett übertragen, jeden als eigene Aktion",
    # how it is understood
    "Who goes over the ground, and how an odd clip or character is to be understood":
        "Wer sich über den Boden bewegt und wie ein sonderbarer Clip oder eine sonderbare Figur zu verstehen ist",
    "Root motion": "Fortbewegung",
    "Who goes over the ground": "Wer sich über den Boden bewegt",
    "Hips": "Hüfte",
    "The hips carry the body over the ground": "Die Hüfte trägt den Körper über den Boden",
    "Root Bone": "Wurzelknochen",
    "The rig's root bone goes over the ground and turns as the hips do":
        "Der Wurzelknochen des Rigs bewegt sich über den Boden und dreht sich mit der Hüfte",
    "Nobody does: the body stays where it is": "Niemand: Der Körper bleibt, wo er ist",
    "Up axis": "Achse nach oben",
    "The axis of the clip that is up, where it comes in lying down":
        "Die Achse des Clips, die nach oben zeigt, falls er liegend hereinkommt",
    "Front axis": "Achse nach vorn",
    "The axis of the clip that its body faces, where it comes in turned":
        "Die Achse des Clips, in die sein Körper blickt, falls er verdreht hereinkommt",
    "Detected": "Erkannt",
    "Found out by the skeleton": "Vom Skelett abgelesen",
    "An axis of the clip": "Eine Achse des Clips",
    **{axis: axis for axis in ("X", "Y", "Z", "-X", "-Y", "-Z")},
    "Unit (m)": "Einheit (m)",
    "Metres in one unit of the clip, 0.01 for centimetres, where steps come out too long or too short; "
    "0: detected by the height of the body":
        "Meter in einer Einheit des Clips, 0.01 für Zentimeter, falls Schritte zu lang oder zu kurz werden; "
        "0: an der Größe des Körpers erkannt",
    "Rest at": "Ruhe bei",
    "A time of the clip at which its skeleton stands in a pose that can be taken as its rest pose, "
    "where limbs come out twisted: 0 is the first frame, 1.5s seconds; empty: the pose it was built in":
        "Ein Zeitpunkt des Clips, zu dem sein Skelett in einer Pose steht, die als Ruhepose dienen kann, falls "
        "Glieder verdreht herauskommen: 0 ist das erste Bild, 1.5s sind Sekunden; leer: die Pose, in der es gebaut ist",
    "As it was built": "Wie gebaut",
    "Use Pose as Rest": "Pose als Ruhepose",
    "Take the pose that the armature is in now as its rest pose, where its own cannot be understood":
        "Die Pose, in der das Skelett jetzt ist, als seine Ruhepose nehmen, falls seine eigene nicht verstanden wird",
    "Forget Pose": "Pose vergessen",
    "Go back to the rest pose that the armature was built with":
        "Zurück zu der Ruhepose, mit der das Skelett gebaut ist",
    "{name} rests in a pose you chose": "{name} ruht in einer gewählten Pose",
    # settings
    "Settings": "Einstellungen",
    "None are kept yet": "Noch keine aufgehoben",
    "Save...": "Speichern …",
    "Import...": "Importieren …",
    "Export {name}...": "{name} exportieren …",
    "Delete {name}": "{name} löschen",
    "Save Settings": "Einstellungen speichern",
    "Keep what is chosen here under a name, for other files and for the command line":
        "Was hier gewählt ist, unter einem Namen aufheben, für andere Dateien und für die Befehlszeile",
    "Load Settings": "Einstellungen laden",
    "Choose here what is kept under this name": "Hier wählen, was unter diesem Namen aufgehoben ist",
    "Delete Settings": "Einstellungen löschen",
    "Forget what is kept under this name": "Vergessen, was unter diesem Namen aufgehoben ist",
    "Import Settings": "Einstellungen importieren",
    "Keep the settings in a file that somebody has given you": "Einstellungen aus einer erhaltenen Datei aufheben",
    "Export Settings": "Einstellungen exportieren",
    "Copy settings to a file that you can give away": "Einstellungen in eine Datei kopieren, die man weitergeben kann",
    "Of": "Wovon",
    "Which panel's choices": "Die Auswahl welches Bedienfelds",
    "Of motion capture": "Von Motion Capture",
    "Of videos": "Von Videos",
    "What the settings are called": "Wie die Einstellungen heißen",
}  # fmt: skip
