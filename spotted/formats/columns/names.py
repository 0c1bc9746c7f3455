"""The fields of a survey, and the titles that usually name them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping


def _titles(listed: str) -> tuple[str, ...]:
    return tuple(listed.split(", "))


# usual titles of each field of a table of detections, the most telling first
DETECTION_FIELDS: Mapping[str, tuple[str, ...]] = {
    "camera_id": _titles(
        "camera id, station, station id, station name, camera station, camera trap station, "
        "camera, camera name, camera trap, cam, cam id, trap, trap id, trap station, ct id, "
        "deployment, deployment id, deployment name, placename, site, site id, site name, "
        "location, location id, location name, point, point id, plot, estacion, camara, sitio, "
        "kamera, standort, estacao, lieu"
    ),
    "time": _titles(
        "timestamp, time stamp, date time, date and time, date time original, datetime original, "
        "create date, date taken, datetime taken, captured at, capture time, taken, taken at, "
        "photo date time, image date time, fecha hora, fecha y hora, data hora, datum zeit, date "
        "heure"
    ),
    "date": _titles("date, day, photo date, image date, capture date, fecha, datum, data, jour"),
    "clock": _titles("time, hour, time of day, photo time, image time, hora, zeit, uhrzeit, heure"),
    "image": _titles(
        "image, file, filename, file name, file path, filepath, path, source file, image name, "
        "image file, image path, image filename, photo, photo name, photo file, photo id, "
        "picture, raw name, img, archivo, foto, imagen, bild, datei, fichier, nom fichier"
    ),
    "folder": _titles(
        "folder, directory, relative path, relativepath, dir, image folder, folder path, carpeta, "
        "ordner, dossier"
    ),
    "detection_id": _titles("detection id, annotation id, observation id, record id"),
    "image_id": _titles("image id, media id, mediaid"),
    "individual_id": _titles(
        "individual id, individual, individual name, identity, animal id, animal name, ind id, "
        "cat id, leopard id, tiger id, jaguar id, lynx id, hyaena id, hyena id, id animal, "
        "individuo, individu, tier id"
    ),
    "species": _titles(
        "species, scientific name, scientificname, species name, common name, taxon, especie, "
        "nombre cientifico, art, espece, label"
    ),
    "side": _titles("side, flank, viewpoint, view point, orientation, body side, lado, flanke, flanco"),
    "encounter_id": _titles(
        "encounter id, encounter, event, event id, sequence id, seq id, burst, burst id, sighting id, episode"
    ),
    "box_x": _titles("box x, bbox x, bboxx, x min"),
    "box_y": _titles("box y, bbox y, bboxy, y min"),
    "box_width": _titles("box width, bbox width, bboxwidth, bbox w"),
    "box_height": _titles("box height, bbox height, bboxheight, bbox h"),
}
PLACE_FIELDS: Mapping[str, tuple[str, ...]] = {
    "latitude": _titles(
        "latitude, lat, decimal latitude, decimallatitude, gps latitude, gps lat, lat dd, "
        "latitud, breite, breitengrad, y wgs84"
    ),
    "longitude": _titles(
        "longitude, lon, long, lng, decimal longitude, decimallongitude, gps longitude, gps lon, "
        "gps long, long dd, lon dd, longitud, lange, laengengrad, x wgs84"
    ),
    "x_m": _titles("x m, utm x, utmx, easting, eastings, utm e, utm easting, x, x coord, coord x"),
    "y_m": _titles("y m, utm y, utmy, northing, northings, utm n, utm northing, y, y coord, coord y"),
}
# after the camera, which most tables name by its station
STATION_FIELDS: Mapping[str, tuple[str, ...]] = {
    "station": _titles(
        "station, station id, station name, camera station, trap station, camera trap station, location id, "
        "placename"
    )
}
PERIOD_FIELDS: Mapping[str, tuple[str, ...]] = {
    "start": _titles(
        "start, start date, startdate, date start, setup, setup date, deployment start, deployed, "
        "deploy date, deployment date, install date, installed, date installed, date out, fecha "
        "inicio, inicio, beginn, debut, setup time, set date, von, from, desde, du"
    ),
    "end": _titles(
        "end, end date, enddate, date end, retrieval, retrieval date, retrieved, deployment end, "
        "pickup date, pick up date, removed, date removed, date in, fecha fin, fin, ende, "
        "removal, removal date, take down date, pickup, collected, collection date, recovered, bis, "
        "until, hasta"
    ),
    "location_uncertainty_m": _titles("location uncertainty m, coordinate uncertainty, gps accuracy"),
    "clock_suspect": _titles("clock suspect"),
}
CAMERA_FIELDS = {
    "camera_id": DETECTION_FIELDS["camera_id"],
    **STATION_FIELDS,
    **PLACE_FIELDS,
    **PERIOD_FIELDS,
}
FIELDS = tuple(dict.fromkeys([*DETECTION_FIELDS, *CAMERA_FIELDS]))
_LETTERS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_UNITS = re.compile(r"\((m|dd|deg|degrees|wgs ?84|utc|local)\)|\[.*?\]", re.IGNORECASE)


def plain_title(title: str) -> str:
    """A title without case, accents, marks and units, words apart.

    >>> plain_title("DateTimeOriginal"), plain_title("Estación_ID"), plain_title("Easting (m)")
    ('date time original', 'estacion id', 'easting')
    """
    letters = unicodedata.normalize("NFKD", _UNITS.sub("", title))
    plain = "".join(c for c in letters if not unicodedata.combining(c))
    return " ".join(re.findall(r"[a-z0-9]+", _LETTERS.sub(" ", plain).lower()))


def rank(title: str, usual: tuple[str, ...]) -> int | None:
    """The place of a title among usual ones, None if it is not one of them."""
    joined = plain_title(title).replace(" ", "")
    places = (i for i, name in enumerate(usual) if name.replace(" ", "") == joined)
    return next(places, None)
