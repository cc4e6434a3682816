"""German of key-frame pictures, pose assets and the sound of clips.  As `german`."""

TEXTS = {
    "Key Pictures": "Schlüsselbilder",
    "Pictures that each become a key pose, on frames of your choice":
        "Bilder, die je eine Schlüsselpose werden, auf Frames deiner Wahl",
    "Pictures": "Bilder",
    "The pictures whose poses are keyed": "Die Bilder, deren Posen gesetzt werden",
    "The pictures": "Die Bilder",
    "Files": "Dateien",
    "Where the pictures are": "Wo die Bilder liegen",
    "Picture": "Bild",
    "The picture with a person in it": "Das Bild, auf dem eine Person ist",
    "The picture shown below the list": "Das Bild, das unter der Liste gezeigt wird",
    "The frame on which its pose is keyed": "Der Frame, auf dem seine Pose gesetzt wird",
    "Frame": "Frame",
    "Spacing": "Abstand",
    "Frames from one picture to the next that is added": "Frames von einem Bild zum nächsten, das dazukommt",
    "Add Pictures": "Bilder hinzufügen",
    "Add pictures to the list, each with the person in a key pose":
        "Bilder zur Liste hinzufügen, jedes mit der Person in einer Schlüsselpose",
    "Add pictures first": "Füge zuerst Bilder hinzu",
    "Change Pictures": "Bilder ändern",
    "Take the chosen picture from the list, or let it change places with its neighbour; the frames stay as they are":
        "Das gewählte Bild aus der Liste nehmen, oder mit dem Nachbarn tauschen; die Frames bleiben, wie sie sind",
    "How": "Wie",
    "What becomes of the chosen picture": "Was mit dem gewählten Bild geschieht",
    "Remove": "Entfernen",
    "Take it from the list": "Es aus der Liste nehmen",
    "Up": "Nach oben",
    "Let it change frames with the picture above": "Es den Frame mit dem Bild darüber tauschen lassen",
    "Down": "Nach unten",
    "Let it change frames with the picture below": "Es den Frame mit dem Bild darunter tauschen lassen",
    "Space Evenly": "Gleichmäßig verteilen",
    "Put all pictures so many frames apart, from the first on": "Alle Bilder ab dem ersten in diesem Abstand verteilen",
    "Pose the Keys": "Posen setzen",
    "Key the pose of each picture on its frame, as a new action on the active armature, ready to be filled":
        "Die Pose jedes Bildes auf seinem Frame setzen, als neue Action der aktiven Armature, bereit zum Füllen",
    "{name}: key poses on {frames}. Fill makes the frames between them":
        "{name}: Schlüsselposen auf {frames}. Füllen macht die Frames dazwischen",
    "Save Poses as Assets": "Posen als Assets sichern",
    "Save the key poses of the active action as pose assets, one for each of its frames that has keys":
        "Die Schlüsselposen der aktiven Action als Pose-Assets sichern, eine für jeden Frame mit Keys",
    "The armature plays no action": "Die Armature spielt keine Action",
    "Pose assets: {names}": "Pose-Assets: {names}",
    "Add Sound": "Ton hinzufügen",
    "Add the sound of the video that the active action was made of to the sequencer, in time with the action":
        "Den Ton des Videos, aus dem die aktive Action wurde, im Sequencer hinzufügen, im Takt mit der Action",
    "{name} sounds from frame {first} to {last}": "{name} klingt von Frame {first} bis {last}",
}
