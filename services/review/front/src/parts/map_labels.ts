/** Which cameras of a map are named. */
import type { RelativeMap } from "../api/types";

/** Room of a camera's name, in the map's units. */
const LABEL = { width: 0.18, height: 0.06 };

/** Cameras whose names fit without covering one another; those of the question come first. */
export function labelledCameras(map: RelativeMap): Set<string> {
  const asked = new Set(
    map.groups.map((group) => group.sightings.find((one) => one.detection_id === group.detection_id)?.camera),
  );
  const ordered = [...map.cameras].sort((a, b) => Number(asked.has(b.camera)) - Number(asked.has(a.camera)));
  const placed: RelativeMap["cameras"] = [];
  for (const one of ordered) {
    const covered = placed.some(({ x, y }) => Math.abs(x - one.x) < LABEL.width && Math.abs(y - one.y) < LABEL.height);
    if (!covered) placed.push(one);
  }
  return new Set(placed.map(({ camera }) => camera));
}
