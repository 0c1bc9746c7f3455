import { expect, test } from "vitest";
import { ticks } from "../src/parts/ticks";
import { addressOf, placeOf } from "../src/routes";

test("an address names the place that it was made for", () => {
  const place = placeOf(addressOf("kruger/2026", "a b", "candidates", "d-1/ü", "audit=1"));
  expect(place).toMatchObject({ survey: "kruger/2026", session: "a b", screen: "candidates", rest: "d-1/ü" });
  expect(place.parameters.get("audit")).toBe("1");
});

test("an unknown address is the start", () => {
  for (const hash of ["", "#/", "#/kruger/main/nothing", "#nonsense"]) expect(placeOf(hash).screen).toBe("start");
});

test.each([0, 1, 7, 42, 999, 123456])("an axis to %i has few round steps", (most) => {
  const steps = ticks(most);
  expect(steps[0]).toBe(0);
  expect(steps.at(-1)).toBeLessThanOrEqual(most);
  expect(steps.length).toBeLessThanOrEqual(8);
});
