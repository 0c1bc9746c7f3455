import { expect, test } from "vitest";
import { chanceOf } from "../src/screens/chances";
import { en } from "../src/text/en";
import { es } from "../src/text/es";
import { fr } from "../src/text/fr";
import { pair } from "./things";

test.each([en, es, fr])("a pair shows a chance only if answers measured it", (text) => {
  const likely = { ...pair("a", "b"), scores: [0.97], chances: ["very likely"] };
  expect(chanceOf(likely, text)).toContain("97 %");
  expect(chanceOf({ ...likely, chances: [""], calibrated: false }, text)).toBe(text.compare.unmeasured);
  expect(text.compare.unmeasured).not.toContain("97");
  // a check of an earlier answer, or a random pair, has none
  expect(chanceOf({ ...likely, scores: [0], chances: [""], calibrated: false }, text)).toBe("");
});
