import { expect, test } from "vitest";
import { leaseEnding, postponed, putBack, refilled } from "../src/answers/supply";
import { pair } from "./things";

const [first, second, third] = [pair("a", "b"), pair("b", "c"), pair("c", "d")];

test("a fetch renews leases, adds what is new and leaves out what is answered", () => {
  const again = { ...first, lease_expires_at: "2026-02-03T03:00:00Z", reason: "was asked before" };
  const renewed = { ...first, lease_expires_at: again.lease_expires_at };
  expect(refilled([first], [again, second, third], new Set([second.key]))).toEqual([renewed, third]);
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
