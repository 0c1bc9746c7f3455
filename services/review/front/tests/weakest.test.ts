import { expect, test } from "vitest";
import type { Label } from "../src/api/types";
import { weakLinks } from "../src/screens/weakest";

function label(first: string, second: string, answer: Label["answer"] = "same"): Label {
  return { label_id: `${first}${second}`, first, second, answer, annotator: "anna", created_at: "" };
}

test("the answer that holds two parts together is found with the smaller part", () => {
  const triangle = [label("a", "b"), label("b", "c"), label("a", "c")];
  const links = weakLinks(["a", "b", "c", "d", "e"], [...triangle, label("c", "d"), label("d", "e")]);
  expect(links.map((link) => [link.label.label_id, link.detections])).toEqual([
    ["cd", ["d", "e"]],
    ["de", ["e"]],
  ]);
});

test("a ring has no weak link, and other answers are none", () => {
  expect(weakLinks(["a", "b", "c"], [label("a", "b"), label("b", "c"), label("c", "a"), label("a", "d", "different")])).toEqual([]);
});
