/** Chances in the words of the page. */
import type { Question } from "../api/types";
import type { Text } from "../text/en";

/** The chance of a pair; unknown as long as too few answers measured it; "" for a question that has none. */
export function chanceOf({ scores, chances, calibrated }: Question, text: Text): string {
  const [score, chance] = [scores[0] ?? 0, chances[0] ?? ""];
  if (chance) return text.compare.chance(text.server.chance(chance), text.percent(score));
  return score > 0 && !calibrated ? text.compare.unmeasured : "";
}
