import { expect, test } from "vitest";
import { leaseEnding, pairsOf, postponed, putBack, refilled } from "../src/answers/supply";
import type { Question } from "../src/api/types";
import { pair, photo } from "./things";

const [first, second, third] = [pair("a", "b"), pair("b", "c"), pair("c", "d")];

test("a fetch renews leases, adds what is new and leaves out what is answered", () => {
  const again = { ...first, lease_expires_at: "2026-02-03T03:00:00Z", reason: "was asked before" };
  const renewed = { ...first, lease_expires_at: again.lease_expires_at };
  expect(refilled([first], [again, second, third], new Set(pairsOf(second)))).toEqual([renewed, third]);
});

function gallery(anchor: string, ...members: string[]): Question {
  const photos = members.map(photo);
  return { ...pair(anchor, ""), key: `gallery:${[anchor, ...members].join()}`, kind: "gallery", anchor: photo(anchor), photos };
}

test("galleries that are laid out again replace those that wait, and no pair is asked twice", () => {
  const [shown, old] = [gallery("a", "b", "c"), gallery("d", "e", "f")];
  const [again, overlapping] = [gallery("e", "d", "g"), gallery("c", "a")];
  expect(refilled([shown, old], [overlapping, again], new Set())).toEqual([shown, again]);
});

test("a question with a picture that was replaced gives way to the one about the new picture, also on the screen", () => {
  const again: Question = { ...first, key: "pair:a,b@1,0", photos: [{ ...photo("a"), version: 1 }, photo("b")] };
  expect(refilled([first, third], [again, third], new Set())).toEqual([third, again]);
  const shown = gallery("c", "b", "a");
  expect(refilled([shown], [again], new Set())).toEqual([again]);
});

test("a burst decides all pairs of its frames", () => {
  const burst: Question = { ...pair("a", "b"), kind: "burst", photos: ["a", "b", "c"].map(photo) };
  expect(pairsOf(burst).length).toBe(3);
  expect(refilled([], [burst, pair("c", "a"), pair("c", "d")], new Set())).toEqual([burst, pair("c", "d")]);
});

test("a question that is put back is asked once, first", () => {
  expect(putBack([first, second], second)).toEqual([second, first]);
});

test("a postponed question is asked last", () => {
  expect(postponed([first, second, third])).toEqual([second, third, first]);
});

test("a lease is renewed in its second half", () => {
  const expires = Date.parse(first.lease_expires_at);
  expect(leaseEnding(first, expires - 301_000, 600)).toBe(false);
  expect(leaseEnding(first, expires - 299_000, 600)).toBe(true);
  expect(leaseEnding(undefined, expires, 600)).toBe(false);
});
