/** The link of an individual on which most depends. */
import type { Label } from "../api/types";

export interface WeakLink {
  label: Label;
  /** The photographs that would be another animal without it: the smaller part, by id. */
  detections: string[];
}

/**
 * The answers SAME that alone hold two parts together, the one with the largest smaller part first.
 *
 * Each is a bridge of the graph whose edges are the answers SAME; photographs joined by names, encounters or
 * people have no edge here, so an answer between two parts that something else joins too is not certain to be
 * a bridge.
 */
export function weakLinks(detections: readonly string[], labels: readonly Label[]): WeakLink[] {
  const same = labels.filter(({ answer }) => answer === "same");
  const links = same.flatMap((label): WeakLink[] => {
    const side = reached(label.first, same, label);
    if (side.has(label.second)) return [];
    const other = reached(label.second, same, label);
    const smaller = side.size <= other.size ? side : other;
    return [{ label, detections: detections.filter((one) => smaller.has(one)) }];
  });
  return links.sort((a, b) => b.detections.length - a.detections.length);
}

function reached(from: string, labels: readonly Label[], without: Label): Set<string> {
  const seen = new Set([from]);
  const ahead = [from];
  for (let one = ahead.pop(); one !== undefined; one = ahead.pop()) {
    for (const label of labels) {
      if (label === without) continue;
      const next = label.first === one ? label.second : label.second === one ? label.first : null;
      if (next === null || seen.has(next)) continue;
      seen.add(next);
      ahead.push(next);
    }
  }
  return seen;
}
