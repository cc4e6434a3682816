"""German of the people in a video, of estimators and of picked key poses.  As `german`."""

TEXTS = {
    "Model": "Modell",
    "A pose network of yours, on the backend's computer: an ONNX file of an RTMPose, DWPose, RTMW, RTMO or ViTPose, its name "
    "in poseloom models list, or a config of mmpose":
        "Ein eigenes Posennetz, auf dem Rechner des Backends: eine ONNX-Datei eines RTMPose, DWPose, RTMW, RTMO oder ViTPose, "
        "sein Name in poseloom models list, oder eine Konfiguration von mmpose",
    "The weights that belong to a config of mmpose, on the backend's computer":
        "Die Gewichte, die zu einer Konfiguration von mmpose gehören, auf dem Rechner des Backends",
    "Hands": "Hände",
    "See fingers and wrists too, by the estimator holistic where none is chosen: several times slower":
        "Auch Finger und Handgelenke sehen, mit dem Schätzer holistic, wo keiner gewählt ist: um ein Mehrfaches langsamer",
    "Face": "Gesicht",
    "See how the head turns, jaw, eyelids and gaze too, by the estimator holistic where none is chosen: several times slower":
        "Auch sehen, wie sich der Kopf dreht, Kiefer, Lider und Blick, mit dem Schätzer holistic, wo keiner gewählt ist: um ein "
        "Mehrfaches langsamer",
    "Key poses only": "Nur Schlüsselposen",
    "Key the extremes and contacts of the video alone, ready to be filled, instead of every frame":
        "Statt jedes Frames nur die Extreme und Kontakte des Videos setzen, bereit zum Füllen",
    "Key the extremes and contacts of the video alone": "Nur die Extreme und Kontakte des Videos setzen",
    "Poses": "Posen",
    "How many key poses are picked; 0: as many as the motion needs":
        "Wie viele Schlüsselposen gewählt werden; 0: so viele, wie die Bewegung braucht",
    "Least motion (cm)": "Kleinste Bewegung (cm)",
    "Poses that are less far from what lies between their neighbours are left out, so still stretches get none":
        "Posen, die weniger weit von dem entfernt sind, was zwischen ihren Nachbarn liegt, entfallen; wo nichts geschieht, gibt "
        "es so keine",
    "People": "Personen",
    "Who is in the video, whom of them the active armature follows, and others onto armatures of their own":
        "Wer im Video ist, wem davon die aktive Armature folgt, und wer auf eigene Armatures kommt",
    "Who was found in the video": "Wer im Video gefunden wurde",
    "In which they were found": "In dem sie gefunden wurden",
    "Number": "Nummer",
    "Which of the people it is, from 1 on": "Die wievielte Person es ist, ab 1",
    "Portrait": "Porträt",
    "A picture of the person, out of the video": "Ein Bild der Person, aus dem Video",
    "Onto": "Auf",
    "The armature that this person animates, besides the active one; none: nobody does":
        "Die Armature, die diese Person neben der aktiven animiert; keine: niemand",
    "Find People": "Personen finden",
    "Look through the whole video for people, and show them to choose from":
        "Das ganze Video nach Personen durchsehen und sie zur Wahl zeigen",
    "Return only when they are found": "Erst zurückkehren, wenn sie gefunden sind",
    "{count} people in {name}": "{count} Personen in {name}",
    "Choose Person": "Person wählen",
    "Follow this person, who goes onto the active armature; again: the main one":
        "Dieser Person folgen, sie kommt auf die aktive Armature; noch einmal: der wichtigsten",
    "Choose who goes onto the active armature": "Wähle, wer auf die aktive Armature kommt",
    "Estimators": "Schätzer",
    "Which estimators are installed, how large they are, under which licence, and getting one":
        "Welche Schätzer installiert sind, wie groß sie sind, unter welcher Lizenz, und einen holen",
    "The backend tells them while it runs": "Das Backend nennt sie, während es läuft",
    "Use Estimator": "Schätzer benutzen",
    "See by this estimator; again: by the one that the quality chooses":
        "Mit diesem Schätzer sehen; noch einmal: mit dem, den die Qualität wählt",
    "Which one": "Welcher",
    "Get Estimator": "Schätzer holen",
    "Get": "Holen",
    "Download what this estimator lacks onto the backend's computer, after asking":
        "Was diesem Schätzer fehlt, nach Rückfrage auf den Rechner des Backends herunterladen",
    "{name}: {size}, licence {licence}. Download it?": "{name}: {size}, Lizenz {licence}. Herunterladen?",
    "Return only when it is there": "Erst zurückkehren, wenn er da ist",
    "{name} is in place": "{name} ist da",
    "Allow Online Access in Preferences > System > Network": "Erlaube Online-Zugriff in Einstellungen > System > Netzwerk",
    "To get one: Allow Online Access in Preferences > System > Network":
        "Um einen zu holen: Erlaube Online-Zugriff in Einstellungen > System > Netzwerk",
    "FILE.onnx, CONFIG.py": "DATEI.onnx, KONFIG.py",
    "FILE.pth": "DATEI.pth",
}
