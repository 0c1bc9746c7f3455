/** The questions that were fetched and not answered yet, the current one first. */
import type { Question } from "../api/types";

/** Questions asked for at once. */
export const FETCHED = 10;
/** Fetch more when fewer are left. */
export const REFILL_BELOW = 6;

/** The supply after a fetch: fresh leases for known questions, new ones at the end, `excluded` keys left out. */
export function refilled(supply: readonly Question[], fetched: readonly Question[], excluded: ReadonlySet<string>): Question[] {
  const fresh = new Map(fetched.map((question) => [question.key, question]));
  // asked again the server gives another reason: that the question waits; the first one says why it was chosen
  const renewed = supply.map((question) => ({
    ...question,
    lease_expires_at: fresh.get(question.key)?.lease_expires_at ?? question.lease_expires_at,
  }));
  const known = new Set(supply.map((question) => question.key));
  const added = fetched.filter(({ key }) => !known.has(key) && !excluded.has(key));
  return [...renewed, ...added];
}

/** The supply with a question that was taken back, at the head. */
export function putBack(supply: readonly Question[], question: Question): Question[] {
  return [question, ...supply.filter(({ key }) => key !== question.key)];
}

/** The supply without a question. */
export function taken(supply: readonly Question[], key: string): Question[] {
  return supply.filter((question) => question.key !== key);
}

/** The supply with its first question moved to the end: not for now. */
export function postponed(supply: readonly Question[]): Question[] {
  return [...supply.slice(1), ...supply.slice(0, 1)];
}

/** Whether a lease ends within half of `lease_s`, so that asking again would renew it in time. */
export function leaseEnding(question: Question | undefined, nowMs: number, lease_s: number): boolean {
  if (!question?.lease_expires_at) return false;
  return Date.parse(question.lease_expires_at) - nowMs < (lease_s * 1000) / 2;
}
