/** Answers put in a row so that each begins at the photograph with which the one before ends. */
import type { Label } from "../api/types";

export interface Step {
  label: Label;
  from: string;
  to: string;
}

/** The labels as a path from `start`; where it breaks off it goes on with the first label that is left. */
export function pathOf(labels: readonly Label[], start: string): Step[] {
  const left = [...labels];
  const path: Step[] = [];
  let at = start;
  while (left.length) {
    const next = Math.max(0, left.findIndex(({ first, second }) => first === at || second === at));
    const [label] = left.splice(next, 1);
    if (!label) break;
    const backwards = label.second === at;
    path.push({ label, from: backwards ? label.second : label.first, to: backwards ? label.first : label.second });
    at = backwards ? label.first : label.second;
  }
  return path;
}
