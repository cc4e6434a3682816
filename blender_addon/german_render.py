"""German of rendering with diffusion.  As `german`."""

TEXTS = {
    "Render with Diffusion": "Mit Diffusion rendern",
    "Frames of the characters by a diffusion model, which keep their poses":
        "Bilder der Figuren von einem Diffusionsmodell, die ihre Posen behalten",
    "Draw guides of the characters through the camera, have frames made of them, and put these into the sequencer":
        "Vorlagen der Figuren durch die Kamera zeichnen, Bilder daraus machen lassen und sie in den Sequenzer legen",
    "Prompt": "Beschreibung",
    "What the frames show": "Was die Bilder zeigen",
    "What the frames show; empty: as in the panel": "Was die Bilder zeigen; leer: wie im Panel",
    "Negative prompt": "Was fehlen soll",
    "What the frames do not show": "Was die Bilder nicht zeigen",
    "What they do not show": "Was sie nicht zeigen",
    "Seed": "Startwert",
    "The same seed gives the same frames": "Derselbe Startwert gibt dieselben Bilder",
    "Checkpoint": "Modell",
    "A diffusion checkpoint: a folder on the backend's computer, or its name on the Hugging Face hub; empty: the "
    "embedded model. Nothing is downloaded by itself":
        "Ein Diffusionsmodell: ein Ordner auf dem Rechner des Backends oder sein Name im Hugging-Face-Hub; leer: das "
        "eingebaute Modell. Von selbst wird nichts heruntergeladen",
    "Embedded model": "Eingebautes Modell",
    "For previews: your character in each pose, offline, within a second a frame. Not for finished pictures: one person, "
    "128 pixels, blurred. For those name a checkpoint above, such as stable-diffusion-v1-5/stable-diffusion-v1-5.":
        "Für Vorschauen: deine Figur in jeder Pose, ohne Netz, ein Bild in weniger als einer Sekunde. Nicht für fertige "
        "Bilder: eine Person, 128 Pixel, unscharf. Für diese oben ein Modell nennen, etwa "
        "stable-diffusion-v1-5/stable-diffusion-v1-5.",
    "Reference": "Vorbild",
    "A picture of the character; empty: with the embedded model one that is taken of it from its front":
        "Ein Bild der Figur; leer: beim eingebauten Modell eines, das von vorn von ihr gemacht wird",
    "Steps": "Schritte",
    "Of denoising: fewer are faster; distilled models need 4":
        "Des Entrauschens: weniger sind schneller; destillierten Modellen genügen 4",
    "Every": "Jedes",
    "Only every so many frames, each held until the next": "Nur jedes sovielte Bild, bis zum nächsten gehalten",
    "Size": "Größe",
    "Pixels of the longer side; 0: that of the scene's renders":
        "Pixel der längeren Seite; 0: wie die Renderbilder der Szene",
    "Depth": "Tiefe",
    "Show the renderer the scene's depth too, where the checkpoint has a network for it":
        "Auch die Tiefe der Szene zeigen, wo das Modell ein Netz dafür hat",
    "Guides only": "Nur Vorlagen",
    "Draw pose maps and depth for other tools, and stop there":
        "Posenbilder und Tiefe für andere Programme zeichnen und dort aufhören",
    "Frames": "Bilder",
    "Which frames are rendered": "Welche Bilder gerendert werden",
    "Range": "Bereich",
    "All frames of the scene's range, or of its preview range": "Alle Bilder des Bereichs der Szene oder ihrer Vorschau",
    "This Frame": "Dieses Bild",
    "The frame at the playhead: a look at what comes": "Das Bild am Abspielkopf: ein Blick auf das, was kommt",
    "Keys": "Schlüssel",
    "The frames on which the selected keys of the armature's action lie, or all its keys without a selection":
        "Die Bilder, auf denen ausgewählte Schlüssel der Aktion liegen, ohne Auswahl alle Schlüssel",
    "Folder": "Ordner",
    "Where guides and frames are kept, a folder for each run":
        "Wo Vorlagen und Bilder aufgehoben werden, ein Ordner für jeden Lauf",
    "Where frames are kept; empty: as in the panel": "Wo die Bilder aufgehoben werden; leer: wie im Panel",
    "Name of the armature; empty: all that are recognised": "Name der Armatur; leer: alle, die erkannt werden",
    "Name of the camera; empty: the scene's": "Name der Kamera; leer: die der Szene",
    "Return only when the frames are made": "Erst zurückkehren, wenn die Bilder gemacht sind",
    "The scene has no armature": "Die Szene hat keine Armatur",
    "Guides of {count} frames are in {folder}": "Vorlagen von {count} Bildern liegen in {folder}",
    "{made} frames made, {kept} kept; they are on channel {channel} of the sequencer":
        "{made} Bilder gemacht, {kept} behalten; sie liegen auf Kanal {channel} des Sequenzers",
    "{count} frames were left out, such as {frame}: {why}": "{count} Bilder wurden ausgelassen, etwa {frame}: {why}",
}
