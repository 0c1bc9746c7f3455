import { expect, test } from "vitest";
import type { Label } from "../src/api/types";
import { labelledCameras } from "../src/parts/map_labels";
import { pathOf } from "../src/screens/path";

const label = (first: string, second: string): Label => ({
  label_id: first + second,
  first,
  second,
  answer: "same",
  annotator: "anna",
  created_at: "",
});

test("answers in any order and direction become a path", () => {
  const path = pathOf([label("c", "d"), label("b", "a"), label("b", "c")], "a");
  expect(path.map(({ from, to }) => from + to)).toEqual(["ab", "bc", "cd"]);
});

test("answers that are no path are all kept", () => {
  const path = pathOf([label("x", "y"), label("a", "b")], "a");
  expect(path.map(({ from, to }) => from + to)).toEqual(["ab", "xy"]);
});

test("names of cameras do not cover one another, and those of the question are shown", () => {
  const cameras = Array.from({ length: 20 }, (_, n) => ({ camera: `CAM${n}`, x: 0.02 * n, y: 0 }));
  const sighting = { detection_id: "d1", camera: "CAM7", captured_at: null };
  const shown = labelledCameras({
    width_m: 1,
    height: 0,
    scale_bar: null,
    without_position: 0,
    cameras,
    groups: [{ detection_id: "d1", sightings: [sighting], legs: [] }],
  });
  expect(shown.has("CAM7")).toBe(true);
  const at = cameras.filter(({ camera }) => shown.has(camera)).map(({ x }) => x);
  at.slice(1).forEach((x, index) => expect(x - (at[index] ?? 0)).toBeGreaterThanOrEqual(0.18 - 1e-9));
});
