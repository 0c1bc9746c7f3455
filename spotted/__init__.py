"""Spotted: which camera-trap photographs show the same animal.

    from spotted import Camera, Detection, Fusion, Spotted, Survey

The science takes arrays and returns arrays; it knows no server, file, clock or environment:

arrays, errors  array types; every failure that Spotted reports on purpose
counting        pairs of one individual, shares of a total
outliers        places that are most likely wrong
period_outliers  periods and instants that are most likely wrong
survey          cameras, detections and their extent in space and time
journeys        the journey between two photographs as a phrase
geodesy         latitude and longitude on a plane
scoring         the score of a pair
boxes           outputs of object detectors as boxes, and crops
calibration     the score as a probability
local_features  marks that two photographs share
ranking         the best candidates of a detection
matching        a whole survey's marks matched, and its calibration fitted
heads           adaptation heads on frozen embeddings
facts           what is known of pairs besides answers: images, names, encounters
constraints     what answers imply about individuals
individuals     ids that last, names, and decisions of people about individuals
catalogue       animals over several surveys, and who may see what of them
sampling        which questions to ask
simulation      simulated surveys, annotators and sessions
evaluation      how good the results are
reports         reports and figures

Around it:

formats         files in and out
training        backbones from photographs, served by the embedder
client          the three services from Python
messages, v1    library values as messages of the contract, and the generated contract
event_parts     large events of a session in parts that fit into messages
testing         fakes of the services for tests
local           the services on this machine
batch           surveys that are too large for one machine, and directories of surveys
object_stores   S3 and the like, for batches and backups
cli, console    the `spotted` command
demo            the demonstration
lazy            package faces that import on first use
interrupts      Ctrl-C while modules are loaded
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spotted.lazy import lazy_face

if TYPE_CHECKING:
    from spotted.client import Credentials, Crop, Spotted
    from spotted.scoring import Fusion
    from spotted.survey import Camera, Detection, Side, Survey

__version__ = "0.1.0"

__all__ = ["Camera", "Credentials", "Crop", "Detection", "Fusion", "Side", "Spotted", "Survey", "__version__"]

__getattr__ = lazy_face(
    __name__,
    {
        "client": ("Credentials", "Crop", "Spotted"),
        "scoring": ("Fusion",),
        "survey": ("Camera", "Detection", "Side", "Survey"),
    },
)
