from pathlib import Path

import numpy as np

from spotted.formats.picture import Picture
from spotted.survey import Detection
from spotted.training.pairs.detections import boxed_detections


def test_boxes_of_one_file_are_one_frame_and_what_is_unknown_is_marked() -> None:
    box = (0.1, 0.2, 0.3, 0.4)
    pictures = [
        Picture(Detection("a", "C1", 10.0, individual_id="Asha"), Path("/p/1.jpg"), box),
        Picture(Detection("b", "C1", 10.0, species="Panthera leo"), Path("/p/1.jpg"), box),
        Picture(Detection("c", "C2", 20.0, individual_id="Asha"), Path("/p/2.jpg")),
        Picture(Detection("d", "C1", None, image_id="3"), None, box),
        Picture(Detection("e", "", 30.0), None, box),
        Picture(Detection("f", "C1", 30.0), None, box),
    ]
    columns = boxed_detections(pictures)
    assert columns.frame.tolist() == [0, 0, 1, 2, 3, 4]
    assert columns.camera.tolist() == [0, 0, 1, 0, -1, 0]
    assert columns.individual.tolist() == [0, -1, 0, -1, -1, -1]
    assert columns.species.tolist() == [-1, 0, -1, -1, -1, -1]
    np.testing.assert_allclose(columns.corners[0], [0.1, 0.2, 0.4, 0.6])
    assert columns.usable.tolist() == [True, True, False, False, False, True]


def test_no_pictures_are_no_rows() -> None:
    assert len(boxed_detections([])) == 0
    assert boxed_detections([]).corners.shape == (0, 4)
