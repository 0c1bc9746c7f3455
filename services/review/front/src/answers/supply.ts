/** The questions that were fetched and not answered yet, the current one first. */
import type { Photo, Question } from "../api/types";

/** Questions asked for at once. */
export const FETCHED = 10;
/** Fetch more when fewer are left. */
export const REFILL_BELOW = 6;

const pairOf = (first: Photo, second: Photo): string => [first.detection_id, second.detection_id].sort().join("\n");

const photosOf = ({ anchor, photos }: Question): Photo[] => [...(anchor ? [anchor] : []), ...photos];

/** The pairs of detections that an answer to a question decides. */
export function pairsOf({ kind, anchor, photos }: Question): string[] {
  if (kind === "gallery" && anchor) return photos.map((photo) => pairOf(anchor, photo));
  return photos.flatMap((first, index) => photos.slice(index + 1).map((second) => pairOf(first, second)));
}

/**
 * The supply after a fetch: fresh leases, and no pair twice.
 *
 * excluded: pairs that are answered already. The server lays out galleries again each time it is asked, so that
 * all but the one on the screen give way to the new ones; so does a question with a picture that was replaced.
 */
export function refilled(
  supply: readonly Question[],
  fetched: readonly Question[],
  excluded: ReadonlySet<string>,
): Question[] {
  const fresh = new Map(fetched.map((question) => [question.key, question]));
  const versions = new Map(fetched.flatMap(photosOf).map((photo) => [photo.detection_id, photo.version]));
  const isCurrent = (question: Question): boolean =>
    photosOf(question).every((photo) => (versions.get(photo.detection_id) ?? photo.version) === photo.version);
  const kept = supply.filter(
    (question, index) => isCurrent(question) && (index === 0 || question.kind === "pair" || fresh.has(question.key)),
  );
  // asked again the server gives another reason: that the question waits; the first one says why it was chosen
  const renewed = kept.map((question) => ({
    ...question,
    lease_expires_at: fresh.get(question.key)?.lease_expires_at ?? question.lease_expires_at,
  }));
  const taken = new Set(excluded);
  return [...renewed, ...fetched].filter((question, index) => {
    const pairs = pairsOf(question);
    if (pairs.some((pair) => taken.has(pair)) && !(index === 0 && renewed.length)) return false;
    for (const pair of pairs) taken.add(pair);
    return true;
  });
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
