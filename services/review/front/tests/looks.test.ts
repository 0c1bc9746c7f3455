import { expect, test } from "vitest";
import { equalisingTable, filterOf, UNCHANGED } from "../src/viewer/looks";

function grey(values: number[]): Uint8ClampedArray {
  return new Uint8ClampedArray(values.flatMap((value) => [value, value, value, 255]));
}

test("an even picture keeps its brightness", () => {
  const table = equalisingTable(grey(Array.from({ length: 256 }, (_, value) => value)));
  table.forEach((value, index) => expect(value).toBeCloseTo(index / 64, 2));
});

test("the curve of a dark picture rises from 0 to 1, steepest in the dark, and never falls", () => {
  const table = equalisingTable(grey(Array.from({ length: 400 }, (_, n) => n % 40)));
  expect(table[0]).toBe(0);
  expect(table.at(-1)).toBeCloseTo(1, 6);
  table.slice(1).forEach((value, index) => expect(value).toBeGreaterThanOrEqual(table[index] ?? 0));
  expect((table[10] ?? 0) * 64).toBeGreaterThan(2 * 10);
});

test("an unchanged tone is no filter", () => {
  expect(filterOf(UNCHANGED, "c")).toBe("none");
  expect(filterOf({ brightness: 1.2, contrast: 1, equalised: true }, "c")).toBe("url(#c) brightness(1.2)");
});
