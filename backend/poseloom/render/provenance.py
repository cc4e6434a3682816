"""What a generated picture says about itself: words for people, and the IPTC's term for programs that label such pictures."""

from __future__ import annotations

from typing import Mapping
from xml.sax.saxutils import escape

from .. import __version__

AI = "made with AI"
XMP = "XML:com.adobe.xmp"  # the keyword under which a PNG holds XMP (XMP specification, part 3)
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<Iptc4xmpExt:DigitalSourceType>{source}</Iptc4xmpExt:DigitalSourceType>
<xmp:CreatorTool>{tool}</xmp:CreatorTool>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{about}</rdf:li></rdf:Alt></dc:description>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


def words(made: Mapping[str, str]) -> dict:
    """The text entries of a frame's PNG: how it came to be (`Frames.made`), that AI made it, and the same as XMP."""
    told = {key: str(value) for key, value in made.items() if key != XMP}
    tool = f"Poseloom {__version__}"
    about = "; ".join([AI, *(f"{key}: {value}" for key, value in told.items() if key not in ("Software", "Comment"))])
    return {**told, "Software": tool, "Comment": AI, XMP: _PACKET.format(source=SOURCE_TYPE, tool=tool, about=escape(_clean(about)))}


def _clean(text: str) -> str:
    """Without the control characters that XML forbids."""
    return "".join(c for c in text if c in "\t\n" or ord(c) >= 32)
