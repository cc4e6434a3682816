"""German of in-betweening, by the English text."""

TEXTS = {
    "0 blends the clips that fit best; 1 is the best one alone, 2 the next":
        "0 mischt die Clips, die am besten passen; 1 ist der beste allein, 2 der nächste",
    "1 clip": "1 Clip",
    "A speed curve for every pair of keys": "Eine Tempokurve für jedes Paar von Schlüsselbildern",
    "A speed curve; empty: the one in the panel": "Eine Tempokurve; leer: die im Panel",
    "About": "Worüber",
    "Add Action to Library": "Aktion in die Bibliothek",
    "After": "Nach",
    "After the last key, and at the timing of another action":
        "Nach dem letzten Schlüsselbild, und im Timing einer anderen Aktion",
    "As It Is": "Wie es ist",
    "As a network moves that learned from motion capture; the backend runs it":
        "Wie ein Netz sich bewegt, das von Motion Capture gelernt hat; das Backend rechnet es",
    "As the clips of your library move that fit the keys best":
        "Wie die Clips der eigenen Bibliothek sich bewegen, die am besten zu den Schlüsselbildern passen",
    "As the curve below is drawn: time to the right, the way upwards":
        "Wie die Kurve unten gezeichnet ist: nach rechts die Zeit, nach oben der Weg",
    "Change it for all": "Für alle ändern",
    "Change the action though other objects play it too":
        "Die Aktion ändern, obwohl auch andere Objekte sie abspielen",
    "Clear": "Zurücknehmen",
    "Clips": "Clips",
    "Continue": "Fortsetzen",
    "Continue and Retime": "Fortsetzen und Timing",
    "Cost": "Kosten",
    "Drawn": "Gezeichnet",
    "Ease In": "Langsam los",
    "Ease In and Out": "Langsam los und an",
    "Ease Out": "Langsam an",
    "Fill Between Keys": "Zwischenbilder füllen",
    "Fill again: generated keys in the range are replaced, all others stay as they are":
        "Noch einmal füllen: Erzeugte Schlüsselbilder im Bereich werden ersetzt, alle anderen bleiben, wie sie sind",
    "Fill the frames between keys of the selected range; keys and their handles stay as they are":
        "Die Bilder zwischen den Schlüsselbildern des gewählten Bereichs füllen; diese und ihre Griffe "
        "bleiben, wie sie sind",
    "Fill": "Füllen",
    "Find Clips": "Clips suchen",
    "Folder of networks; empty: ours": "Ordner von Netzen; leer: unsere",
    "Folder, on the backend's computer, of networks tuned to your own clips by poseloom train inbetween; empty: ours":
        "Ordner, auf dem Rechner des Backends, von Netzen, die poseloom train inbetween auf eigene Clips abgestimmt hat; "
        "leer: unsere",
    "For This Pair": "Für dieses Paar",
    "Frames": "Bilder",
    "From the spline, at 0, to the method, at 1": "Vom Spline, bei 0, zum Verfahren, bei 1",
    "Generated keys between your own, which stay as they are":
        "Erzeugte Schlüsselbilder zwischen den eigenen, die bleiben, wie sie sind",
    "Give the pair of keys around the playhead this speed curve of its own; Re-fill then uses it":
        "Dem Paar von Schlüsselbildern um den Abspielkopf diese Tempokurve geben; Neu füllen nutzt sie dann",
    "Go on after the last key, as clips of the library do that fit, or as the network says":
        "Nach dem letzten Schlüsselbild weitergehen, wie passende Clips der Bibliothek oder wie das Netz es sagt",
    "Hold feet": "Füße halten",
    "Hold, go over quickly in the middle, and hold": "Halten, in der Mitte rasch hinüber, und halten",
    "How badly it fits, against the best one's 1": "Wie schlecht er passt, gegen 1 beim besten",
    "How many frames to go on for": "Wie viele Bilder weit",
    "How the body gets from key to key": "Wie der Körper von Schlüsselbild zu Schlüsselbild kommt",
    "How the way between two keys is spread over time":
        "Wie der Weg zwischen zwei Schlüsselbildern über die Zeit verteilt ist",
    "In Pose Mode, leave bones that are not selected as they are":
        "Im Pose-Modus Knochen lassen, wie sie sind, die nicht ausgewählt sind",
    "Keep feet still that rest on the floor": "Füße still halten, die auf dem Boden ruhen",
    "Keep the active action in the library, so that fills and continuations can follow it":
        "Die aktive Aktion in der Bibliothek behalten, damit Füllen und Fortsetzen ihr folgen können",
    "Last Motion": "Letzte Bewegung",
    "Learned": "Gelernt",
    "Library": "Bibliothek",
    "Like": "Wie",
    "Look for the clips of the library that fit the keys best":
        "Die Clips der Bibliothek suchen, die am besten zu den Schlüsselbildern passen",
    "Method": "Verfahren",
    "Network": "Netz",
    "Play the active action at the timing of another action on the same armature, or of the few poses that it has":
        "Die aktive Aktion im Timing einer anderen Aktion auf demselben Skelett abspielen, oder der wenigen "
        "Posen, die sie hat",
    "Re-fill": "Neu füllen",
    "Retime": "Timing übernehmen",
    "Selected bones only": "Nur ausgewählte Knochen",
    "Shipped network": "Mitgeliefertes Netz",
    "Slow In": "Sehr langsam los",
    "Slow Out": "Sehr langsam an",
    "Slowly into the second key": "Langsam in das zweite Schlüsselbild",
    "Slowly out of the first key": "Langsam aus dem ersten Schlüsselbild",
    "Slowly out of the first key and into the second": "Langsam aus dem ersten Schlüsselbild und in das zweite",
    "Smooth curves through the keys; needs nothing else":
        "Glatte Kurven durch die Schlüsselbilder; braucht sonst nichts",
    "Snap": "Schnappen",
    "Speed": "Tempo",
    "Speed Curve": "Tempokurve",
    "Spline": "Spline",
    "Style": "Stil",
    "Take the pair's own curve back": "Die eigene Kurve des Paars zurücknehmen",
    "The action whose timing it takes on; empty: the one in the panel":
        "Die Aktion, deren Timing sie annimmt; leer: die im Panel",
    "The action whose timing the active one is to take on": "Die Aktion, deren Timing die aktive annehmen soll",
    "The armature and the frames that they were looked for": "Das Skelett und die Bilder, für die sie gesucht wurden",
    "The clips in your library": "Die Clips in der eigenen Bibliothek",
    "The clips that fills and continuations follow": "Die Clips, denen Füllen und Fortsetzen folgen",
    "The clips that fit the keys, best first": "Die Clips, die zu den Schlüsselbildern passen, der beste zuerst",
    "The key to begin at": "Das Schlüsselbild, bei dem begonnen wird",
    "The key to end at": "Das Schlüsselbild, bei dem aufgehört wird",
    "The last motion that came back from a video, so that it is fitted to your keys":
        "Die letzte Bewegung, die aus einem Video kam, damit sie an die eigenen Schlüsselbilder angepasst wird",
    "The speed that the method gives": "Das Tempo, das das Verfahren ergibt",
    "Very slowly into the second key": "Sehr langsam in das zweite Schlüsselbild",
    "Very slowly out of the first key": "Sehr langsam aus dem ersten Schlüsselbild",
    "Which clips the method Library follows": "Welchen Clips das Verfahren Bibliothek folgt",
    "library, last, or a file of motion": "library, last oder eine Bewegungsdatei",
    "Frames {start} to {end}: {bones} bones, {keys} keys":
        "Bilder {start} bis {end}: {bones} Knochen, {keys} Schlüsselbilder",
    "Frames {start} to {end}: {speed}": "Bilder {start} bis {end}: {speed}",
    "Looking for clips": "Suche nach Clips",
    "as above": "wie oben",
    "{count} clips": "{count} Clips",
    "{count} clips fit": "{count} Clips passen",
    "{count} frames more: {bones} bones, {keys} keys": "{count} Bilder mehr: {bones} Knochen, {keys} Schlüsselbilder",
    "{names} play this action too": "{names} spielen diese Aktion auch",
    "{name}: {seconds} s in the library": "{name}: {seconds} s in der Bibliothek",
}  # fmt: skip
