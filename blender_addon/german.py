"""German, by the English text.  Blender's own words: Skelett, Knochen, Aktion, Schlüsselbild, Streifen."""

TEXTS = {
    # panels
    "From Media": "Aus Aufnahmen",
    "From a video: the backend, the video and the button that makes an action of it":
        "Aus einem Video: das Backend, das Video und der Knopf, der daraus eine Aktion macht",
    "Options": "Optionen",
    "Who in the video is followed, which part of it, and how smoothly":
        "Wem im Video gefolgt wird, in welchem Ausschnitt und wie glatt",
    "Retarget": "Übertragen",
    "Layers": "Ebenen",
    "Keep the animation as it is, and work on top of it": "Die Animation lassen, wie sie ist, und darüber arbeiten",
    "Roles": "Rollen",
    "Which bone plays which part of the body": "Welcher Knochen welchen Körperteil spielt",
    "Edit Action": "Aktion bearbeiten",
    "Change the active action as a whole": "Die aktive Aktion als Ganzes ändern",
    # the video and its options
    "Video": "Video",
    "The video with a person in it; pictures and numbered picture sequences work too":
        "Das Video mit einer Person darin; auch Bilder und nummerierte Bildfolgen gehen",
    "Height": "Größe",
    "Tell how tall the person is: it sets the length of the steps. Otherwise an average adult is assumed":
        "Angeben, wie groß die Person ist: Das bestimmt die Schrittlänge. Sonst wird ein durchschnittlicher "
        "Erwachsener angenommen",
    "Height in metres": "Größe in Metern",
    "How tall the person in the video is, in metres": "Wie groß die Person im Video ist, in Metern",
    "Person": "Person",
    "Which person to follow where there are several; 0: the main one, found fastest":
        "Welcher Person gefolgt wird, wenn es mehrere gibt; 0: der Hauptperson, was am schnellsten geht",
    "From": "Von",
    "Where in the video to begin: 12 is a frame, 1.5s seconds; empty: at its start":
        "Wo im Video begonnen wird: 12 ist ein Bild, 1.5s sind Sekunden; leer: am Anfang",
    "To": "Bis",
    "Where in the video to stop: 120 is a frame, 4s seconds; empty: at its end":
        "Wo im Video aufgehört wird: 120 ist ein Bild, 4s sind Sekunden; leer: am Ende",
    "Smoothing (Hz)": "Glättung (Hz)",
    "Movements faster than this are taken for noise: lower is smoother, 6 suits most":
        "Schnellere Bewegungen gelten als Rauschen: niedriger ist glatter, 6 passt meistens",
    "Lock feet": "Füße festhalten",
    "Keep a foot still while it stands on the floor": "Einen Fuß still halten, solange er auf dem Boden steht",
    "Clip": "Clip",
    "Show source skeleton": "Quellskelett zeigen",
    "Draw the skeleton of the last clip beside the character while it plays":
        "Beim Abspielen das Skelett des letzten Clips neben der Figur zeichnen",
    "Limbs by": "Gliedmaßen über",
    "Which controls of a control rig move arms and legs":
        "Welche Kontrollen eines Kontrollrigs Arme und Beine bewegen",
    "FK Controls": "FK-Kontrollen",
    "Arms and legs turn joint by joint; every rig has these":
        "Arme und Beine drehen sich Gelenk für Gelenk; das hat jedes Rig",
    "IK Controls": "IK-Kontrollen",
    "Hands and feet are placed and pull arms and legs along; on generated Rigify rigs":
        "Hände und Füße werden gesetzt und ziehen Arme und Beine nach; bei erzeugten Rigify-Rigs",
    # the list of roles
    "Part": "Körperteil",
    "Bone": "Knochen",
    "Armature": "Skelett",
    "Rig": "Rig",
    "Search": "Suche",
    "The part of the body, by its short name": "Der Körperteil, mit seinem Kurznamen",
    "Bone found": "Gefundener Knochen",
    "The first bone that plays this part; empty: none": "Der erste Knochen, der diesen Teil spielt; leer: keiner",
    "Further bones": "Weitere Knochen",
    "How many more bones share this part": "Wie viele Knochen sich diesen Teil noch teilen",
    "Doubtful": "Zweifelhaft",
    "The recognition is not sure about this part": "Die Erkennung ist sich bei diesem Teil nicht sicher",
    "Corrected": "Korrigiert",
    "You chose the bone of this part": "Den Knochen dieses Teils haben Sie gewählt",
    "The bone that plays this part; choose another one to correct it, or none":
        "Der Knochen, der diesen Teil spielt; zum Korrigieren einen anderen wählen oder keinen",
    "Parts": "Körperteile",
    "The parts of the body and their bones": "Die Körperteile und ihre Knochen",
    "The part whose bone is shown below the list": "Der Teil, dessen Knochen unter der Liste steht",
    "Name of the armature that the list is about": "Name des Skeletts, um das es in der Liste geht",
    "What the list was made for": "Wofür die Liste gemacht wurde",
    "Show only parts, or bones, with this in their names": "Nur Teile oder Knochen zeigen, die dies im Namen haben",
    "Doubts only": "Nur Zweifel",
    "Show only parts that are doubtful, and those corrected": "Nur zweifelhafte und korrigierte Teile zeigen",
    # preferences
    "Backend": "Backend",
    "Backend command": "Befehl des Backends",
    "The command that starts the backend, such as /path/to/poseloom serve. "
    "Empty: the one that its installation noted down":
        "Der Befehl, der das Backend startet, etwa /pfad/zu/poseloom serve. "
        "Leer: der, den seine Installation notiert hat",
    "Address": "Adresse",
    "Address and port of a backend that is running already, such as http://127.0.0.1:8797. "
    "Empty: one on this computer is found by itself":
        "Adresse und Port eines Backends, das schon läuft, etwa http://127.0.0.1:8797. "
        "Leer: Eines auf diesem Rechner wird von selbst gefunden",
    "Token": "Token",
    "The token of the backend at that address: it stands in server.json in its data folder. "
    "Only needed with an address of another computer":
        "Das Token des Backends an dieser Adresse: Es steht in server.json in dessen Datenordner. "
        "Nur für eine Adresse auf einem anderen Computer nötig",
    "Cache folder": "Cache-Ordner",
    "Where motions that came back from the backend are kept. Empty: the extension's own folder":
        "Wo Bewegungen liegen, die vom Backend kamen. Leer: der eigene Ordner der Erweiterung",
    "Previous action": "Vorige Aktion",
    "What happens to the action that the armature has when a new one is made":
        "Was mit der Aktion des Skeletts geschieht, wenn eine neue entsteht",
    "Muted NLA strip": "Stummer NLA-Streifen",
    "Keep it as a muted strip on its own NLA track":
        "Sie als stummgeschalteten Streifen auf einer eigenen NLA-Spur behalten",
    "Fake user": "Unechter Benutzer",
    "Keep it in the file by a fake user, without a strip":
        "Sie durch einen unechten Benutzer in der Datei behalten, ohne Streifen",
    "As its installation noted": "Wie bei der Installation notiert",
    "Found by itself on this computer": "Wird auf diesem Rechner von selbst gefunden",
    "The extension's own": "Der eigene der Erweiterung",
    # operators: the backend
    "Start Backend": "Backend starten",
    "Start the backend on this computer; it keeps running until you stop it":
        "Das Backend auf diesem Rechner starten; es läuft, bis Sie es beenden",
    "Stop Backend": "Backend beenden",
    "Stop the backend that runs on this computer": "Das Backend beenden, das auf diesem Rechner läuft",
    "Check Backend": "Backend prüfen",
    "Look whether the backend runs, and which version it is": "Nachsehen, ob das Backend läuft und in welcher Version",
    "Copy": "Kopieren",
    "Copy this text, to paste it into a terminal": "Diesen Text kopieren, um ihn in ein Terminal einzufügen",
    "Copy: {text}": "Kopieren: {text}",
    "Text": "Text",
    "What to copy": "Was kopiert wird",
    "Look Again": "Neu prüfen",
    "Copy Message": "Meldung kopieren",
    # operators: rigs and characters
    "Recognise Rig": "Rig erkennen",
    "Find out which rig the active armature is, and which bones would be animated":
        "Herausfinden, welches Rig das aktive Skelett ist und welche Knochen animiert würden",
    "Name of the armature; empty: the active one": "Name des Skeletts; leer: das aktive",
    "Add Character": "Figur hinzufügen",
    "Add a clothed CC0 adult on a rig of the family chosen, to try things on":
        "Zum Ausprobieren eine bekleidete erwachsene CC0-Figur mit einem Rig der gewählten Familie hinzufügen",
    "The family of its rig": "Die Familie ihres Rigs",
    "MakeHuman rig": "MakeHuman-Rig",
    "Mixamo rig": "Mixamo-Rig",
    "Unreal rig": "Unreal-Rig",
    "CMU rig": "CMU-Rig",
    "Rigify rig": "Rigify-Rig",
    "Named and built as in MakeHuman rigs": "Benannt und gebaut wie MakeHuman-Rigs",
    "Named and built as in Mixamo rigs": "Benannt und gebaut wie Mixamo-Rigs",
    "Named and built as in Unreal rigs": "Benannt und gebaut wie Unreal-Rigs",
    "Named and built as in CMU rigs": "Benannt und gebaut wie CMU-Rigs",
    "Named and built as in Rigify rigs": "Benannt und gebaut wie Rigify-Rigs",
    # operators: animate
    "Animate": "Animieren",
    "Turn the person in the video into a new action on the active armature, at the playhead":
        "Aus der Person im Video eine neue Aktion auf dem aktiven Skelett machen, ab dem Abspielkopf",
    "The video; empty: the one in the panel": "Das Video; leer: das im Bedienfeld",
    "Address of the backend; empty: as in the preferences": "Adresse des Backends; leer: wie in den Einstellungen",
    "The token of the backend named": "Das Token des genannten Backends",
    "Of the person, in metres; 0: not known": "Der Person, in Metern; 0: unbekannt",
    "Which person to follow; 0: the main one": "Welcher Person gefolgt wird; 0: der Hauptperson",
    "12 is a frame, 1.5s seconds": "12 ist ein Bild, 1.5s sind Sekunden",
    "120 is a frame, 4s seconds": "120 ist ein Bild, 4s sind Sekunden",
    "Lower is smoother": "Niedriger ist glatter",
    "Keep standing feet still": "Stehende Füße still halten",
    "Wait": "Warten",
    "Return only when the action is made": "Erst zurückkehren, wenn die Aktion fertig ist",
    "Apply Again": "Erneut anwenden",
    "Apply Last Motion Again": "Letzte Bewegung erneut anwenden",
    "Put the last motion that came back on the active armature too, as a new action at the playhead":
        "Die zuletzt erhaltene Bewegung auch auf das aktive Skelett bringen, als neue Aktion ab dem Abspielkopf",
    "Motion": "Bewegung",
    "A motion file; empty: the last one": "Eine Bewegungsdatei; leer: die letzte",
    "At playhead": "Am Abspielkopf",
    "Begin at the current frame": "Beim aktuellen Bild beginnen",
    "Start frame": "Startbild",
    "Where the action begins": "Wo die Aktion beginnt",
    "Cancel": "Abbrechen",
    "Cancel the job that is running; nothing of it stays": "Den laufenden Auftrag abbrechen; nichts davon bleibt",
    # operators: retarget
    "Retarget Folder": "Ordner übertragen",
    "Retarget Folder...": "Ordner übertragen …",
    "Folder": "Ordner",
    "The folder with the clips": "Der Ordner mit den Clips",
    "Folders below too": "Auch Unterordner",
    "Take clips of the folders inside it, too": "Auch Clips aus den Ordnern darin nehmen",
    "Return only when all actions are made": "Erst zurückkehren, wenn alle Aktionen fertig sind",
    # operators: after a run
    "Revert Last Run": "Letzten Lauf zurücknehmen",
    "Bring back what the armature played, and how it stood, before the last run of Poseloom; also after loading":
        "Zurückholen, was das Skelett vor dem letzten Lauf von Poseloom spielte und wie es stand; auch nach dem Laden",
    "Push to NLA": "In den NLA schieben",
    "Turn the active action into a strip in the NLA editor, on a track of its own":
        "Aus der aktiven Aktion einen Streifen im NLA-Editor machen, auf einer eigenen Spur",
    "Add Tweak Layer": "Korrekturebene hinzufügen",
    "Key tweaks on a new layer on top of the animation, which stays as it is below":
        "Korrekturen auf einer neuen Ebene über der Animation setzen, die darunter bleibt, wie sie ist",
    "Blend": "Überblendung",
    "How tweaks come on top": "Wie Korrekturen dazukommen",
    "Combine": "Kombinieren",
    "Turns are added as turns, scales multiplied: right for every rotation mode":
        "Drehungen kommen als Drehungen dazu, Skalierungen werden multipliziert: richtig für jeden Rotationsmodus",
    "Add": "Addieren",
    "The numbers of the channels are added": "Die Zahlen der Kanäle werden addiert",
    # operators: roles
    "Set Role": "Rolle setzen",
    "Let another bone play a part of the body, or none":
        "Einen anderen Knochen einen Körperteil spielen lassen, oder keinen",
    "The part, such as upper_arm_l": "Der Körperteil, etwa upper_arm_l",
    "The bone that plays it; empty: none": "Der Knochen, der ihn spielt; leer: keiner",
    "Forget": "Vergessen",
    "Forget Corrections": "Korrekturen vergessen",
    "Take back what you corrected: the parts are again as they were recognised":
        "Korrekturen zurücknehmen: Die Teile sind wieder so, wie sie erkannt wurden",
    "Save as Preset": "Als Vorgabe speichern",
    "Keep these roles as a preset of yours: rigs with the same bones are recognised by it from then on":
        "Diese Rollen als eigene Vorgabe behalten: Rigs mit denselben Knochen werden von da an daran erkannt",
    "Name": "Name",
    "What to call the preset; one of that name is replaced":
        "Wie die Vorgabe heißen soll; eine mit diesem Namen wird ersetzt",
    # operators: edit
    "Reduce Keys": "Schlüssel reduzieren",
    "Replace a key on every frame by few keys with handles that an animator can edit":
        "Schlüssel auf jedem Bild durch wenige mit Griffen ersetzen, die sich von Hand bearbeiten lassen",
    "Degrees": "Grad",
    "The most that any bone may be turned off what it was, in degrees":
        "Wie weit ein Knochen höchstens gegen vorher verdreht sein darf, in Grad",
    "Millimetres": "Millimeter",
    "The most that any joint may be moved off where it was, in millimetres":
        "Wie weit ein Gelenk höchstens gegen vorher verschoben sein darf, in Millimetern",
    "Keep contacts": "Kontakte erhalten",
    "Hold feet nearer to where they rest, with keys where rests begin and end":
        "Füße näher dort halten, wo sie ruhen, mit Schlüsseln am Anfang und Ende jeder Ruhe",
    "Make Loop": "Schleife machen",
    "Make a stretch of the action end as it begins, so that it can be played over and over":
        "Einen Abschnitt der Aktion so enden lassen, wie er beginnt, damit er sich endlos abspielen lässt",
    "Find it": "Selbst finden",
    "Find the shortest stretch that comes back to where it began":
        "Den kürzesten Abschnitt finden, der dahin zurückkehrt, wo er begann",
    "First frame": "Erstes Bild",
    "The frame on which the loop begins": "Das Bild, auf dem die Schleife beginnt",
    "Last frame": "Letztes Bild",
    "The frame that shows the first one again": "Das Bild, das wieder das erste zeigt",
    "Blend (s)": "Überblenden (s)",
    "How long before and after the seam the difference is taken up, in seconds":
        "Wie lange vor und nach der Naht der Unterschied ausgeglichen wird, in Sekunden",
    "Stay": "Am Ort bleiben",
    "Keep to one place and heading, but for the body's sway":
        "An einem Ort und in einer Richtung bleiben, bis auf das Schwanken des Körpers",
    "Plant feet": "Füße aufsetzen",
    "Keep feet still while they rest, also across the seam": "Füße still halten, solange sie ruhen, auch über die Naht",
    "Repeat": "Wiederholen",
    "Mark the action as cyclic, from the first to the last frame of the loop":
        "Die Aktion als zyklisch kennzeichnen, vom ersten bis zum letzten Bild der Schleife",
    "Mirror": "Spiegeln",
    "Exchange left and right in the active action": "Links und rechts in der aktiven Aktion vertauschen",
    "Trim": "Zuschneiden",
    "Keep a stretch of the action; its keys and handles stay as they are":
        "Einen Abschnitt der Aktion behalten; seine Schlüssel und Griffe bleiben, wie sie sind",
    "The first frame to keep": "Das erste Bild, das bleibt",
    "The last frame to keep": "Das letzte Bild, das bleibt",
    "Root Motion": "Wurzelbewegung",
    "Say what carries the character over the ground: nothing (in place), its root bone, or its hips":
        "Festlegen, was die Figur über den Boden trägt: nichts (auf der Stelle), ihr Wurzelknochen oder ihre Hüfte",
    "What goes over the ground": "Was sich über den Boden bewegt",
    "In Place": "Auf der Stelle",
    "The character keeps to one place; the way it went is remembered with the action":
        "Die Figur bleibt an einem Ort; ihr Weg wird mit der Aktion gemerkt",
    "On Root Bone": "Auf dem Wurzelknochen",
    "The root bone goes over the ground, the hips move above it":
        "Der Wurzelknochen bewegt sich über den Boden, die Hüfte bewegt sich darüber",
    "On Hips": "Auf der Hüfte",
    "The hips go over the ground by themselves, the root bone rests":
        "Die Hüfte bewegt sich selbst über den Boden, der Wurzelknochen ruht",
    "Turning too": "Auch die Drehung",
    "Count which way it faces, too": "Auch die Blickrichtung mitnehmen",
    "Leave sway that is faster than this to the hips; 0: none":
        "Schnelleres Schwanken der Hüfte überlassen; 0: keines",
    "Export for Games": "Für Spiele exportieren",
    "Export for Games...": "Für Spiele exportieren …",
    "Write the character with its deforming bones alone and the active action, as a file for a game engine":
        "Die Figur nur mit ihren verformenden Knochen und der aktiven Aktion als Datei für eine Spiel-Engine schreiben",
    "Format": "Format",
    "The kind of file": "Die Art der Datei",
    "FBX": "FBX",
    "For Unreal, Unity and most other programs": "Für Unreal, Unity und die meisten anderen Programme",
    "GLB": "GLB",
    "glTF in one file, for Godot, the web and others": "glTF in einer Datei, für Godot, das Web und anderes",
    "Frame rate": "Bildrate",
    "Keys a second; 0: as many as the scene has frames": "Schlüssel je Sekunde; 0: so viele, wie die Szene Bilder hat",
    "Root bone": "Wurzelknochen",
    "Name of a bone to put on top, which goes over the ground and turns as the hips do; empty: none":
        "Name eines Knochens, der obenan kommt, sich über den Boden bewegt und wie die Hüfte dreht; leer: keiner",
    # said in the panels
    "Choose a video": "Video wählen",
    "Choose a video first": "Zuerst ein Video wählen",
    "Height (m)": "Größe (m)",
    "12 or 1.5s": "12 oder 1.5s",
    "120 or 4s": "120 oder 4s",
    "In a terminal, in the folder of Poseloom's source, run these two lines:":
        "In einem Terminal, im Ordner mit Poselooms Quelltext, diese beiden Zeilen ausführen:",
    "Looking for the backend": "Das Backend wird gesucht",
    "The backend is not installed": "Das Backend ist nicht installiert",
    "The backend is installed, but not running": "Das Backend ist installiert, läuft aber nicht",
    "Waiting for the running job": "Wartet auf den laufenden Auftrag",
    "Looking at the rig": "Das Rig wird angesehen",
    "Rig not recognised": "Rig nicht erkannt",
    "{rig}, {score} sure": "{rig}, zu {score} sicher",
    "No armature is selected": "Kein Skelett ist ausgewählt",
    "No action is active": "Keine Aktion ist aktiv",
    "{part} is played by": "{part} wird gespielt von",
    "none": "keiner",
    # why a button is grey
    "Select an armature, or a mesh that one deforms": "Ein Skelett auswählen oder ein Mesh, das eines verformt",
    "Leave Edit Mode on {name} first (Tab)": "Zuerst den Bearbeitungsmodus von {name} verlassen (Tab)",
    "{name} is linked: make a library override first (Object > Library Override > Make)":
        "{name} ist verknüpft: zuerst eine Bibliotheksüberschreibung anlegen (Object > Library Override > Make)",
    "The override of {name} is not editable: Object > Library Override > Make":
        "Die Überschreibung von {name} ist nicht bearbeitbar: Object > Library Override > Make",
    "Go to Object Mode first": "Zuerst in den Objektmodus wechseln",
    "Wait for the running job, or cancel it": "Auf den laufenden Auftrag warten oder ihn abbrechen",
    "{name} has no action": "{name} hat keine Aktion",
    "Esc cancels": "Esc bricht ab",
    "{name} has no action to change": "{name} hat keine Aktion, die sich ändern ließe",
    "{name} plays nothing that Poseloom made": "{name} spielt nichts, was Poseloom gemacht hat",
    "{name} plays nothing to tweak": "{name} spielt nichts, was sich korrigieren ließe",
    "The motion is here: leave this mode (Tab) to receive it":
        "Die Bewegung ist da: diesen Modus verlassen (Tab), um sie zu erhalten",
    "The motion is here: finish moving to receive it":
        "Die Bewegung ist da: das Verschieben beenden, um sie zu erhalten",
}  # fmt: skip
