"""German of what is seen in videos: quality, camera, confidence, contacts, the view that matches.  As `german`."""

TEXTS = {
    "Quality": "Qualität",
    "How much time is taken to see": "Wie viel Zeit das Sehen haben darf",
    "Draft": "Entwurf",
    "Every other frame, by the small model where it is there: for a first look":
        "Jedes zweite Bild, mit dem kleinen Modell, falls es da ist: für einen ersten Blick",
    "Good": "Gut",
    "Every frame, by the full model": "Jedes Bild, mit dem vollen Modell",
    "Best": "Am besten",
    "By the heavy and the full model: several times slower":
        "Mit dem schweren und dem vollen Modell: um ein Mehrfaches langsamer",
    "draft, good or best; empty: as in the panel": "draft, good oder best; leer: wie im Panel",
    "Estimator": "Schätzer",
    "Which estimator sees, instead of the one that the quality chooses; empty: that one":
        "Welcher Schätzer sieht, statt dessen, den die Qualität wählt; leer: dieser",
    "Which one sees; empty: as in the panel": "Welcher sieht; leer: wie im Panel",
    "As the quality chooses": "Wie die Qualität wählt",
    "Camera": "Kamera",
    "Whether the camera that filmed moved": "Ob die Kamera, die gefilmt hat, bewegt wurde",
    "Still": "Steht",
    "It stood on a tripod": "Sie stand auf einem Stativ",
    "Moving": "Bewegt",
    "It turned, zoomed or shook: its movement is found by the background and taken out":
        "Sie schwenkte, zoomte oder wackelte: Ihre Bewegung wird am Hintergrund gefunden und herausgerechnet",
    "still or moving; empty: as in the panel": "still oder moving; leer: wie im Panel",
    "See anew": "Neu sehen",
    "Run the estimator though it has seen this video before; otherwise only what comes after is done again, with the "
    "settings as they are now":
        "Den Schätzer laufen lassen, obwohl er dieses Video schon gesehen hat; sonst wird nur das Weitere noch einmal "
        "gemacht, mit den jetzigen Einstellungen",
    "Reuse": "Wiederverwenden",
    "Take what was seen of the same video before": "Nehmen, was in demselben Video schon gesehen wurde",
    "Confidence": "Sicherheit",
    "How sure the estimator was of each joint": "Wie sicher der Schätzer bei jedem Gelenk war",
    "Curves": "Kurven",
    "As a property of each bone, with a curve in the action":
        "Als Eigenschaft jedes Knochens, mit einer Kurve in der Aktion",
    "Table": "Tabelle",
    "In a CSV file beside this file": "In einer CSV-Datei neben dieser Datei",
    "None": "Keine",
    "Is not kept": "Wird nicht aufgehoben",
    "Match View": "Deckungsansicht",
    "Look at the character through the camera that filmed the person, with the video behind it":
        "Die Figur durch die Kamera ansehen, die die Person gefilmt hat, mit dem Video dahinter",
    "Video as": "Video als",
    "How the video is shown behind the character": "Wie das Video hinter der Figur gezeigt wird",
    "Background": "Hintergrund",
    "Behind everything, through the camera alone": "Hinter allem, nur durch die Kamera",
    "Plane": "Ebene",
    "On a plane behind the character, seen from everywhere":
        "Auf einer Ebene hinter der Figur, von überall zu sehen",
    "The active action was not made of a video": "Die aktive Aktion wurde nicht aus einem Video gemacht",
    "{name}: joints are {off} of the person's height off":
        "{name}: Gelenke liegen um {off} der Größe der Person daneben",
    "Re-lock Feet": "Füße neu festhalten",
    "Hold feet still between the action's markers \"L foot down\" and \"L foot up\", as these lie now":
        "Füße zwischen den Markern \"L foot down\" und \"L foot up\" der Aktion still halten, wie sie jetzt liegen",
}
