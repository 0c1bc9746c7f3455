/** The part of a survey that a session asks about. */
import type { VNode } from "preact";
import type { Only } from "../api/types";
import { day, text } from "../text";

/** The rules that are set, in words. */
export function ruleWords({ cameras, from, before, known, other_encounters, exclude, species }: Only): string[] {
  return [
    cameras && `${text.catalogue.camera}: ${cameras.join(", ")}`,
    from && `${text.candidates.from} ${day(from)}`,
    before && `${text.candidates.before} ${day(before)}`,
    known && text.candidates.known,
    other_encounters && text.candidates.encounters,
    exclude && `${text.start.without} ${exclude.join(", ")}`,
    species?.join(", "),
  ].filter((rule): rule is string => Boolean(rule));
}

/** Says that only a part is asked about; nothing if it is the whole survey. */
export function OnlyPart({ only }: { only: Only }): VNode | null {
  const rules = ruleWords(only);
  if (!rules.length) return null;
  return (
    <p class="only">
      {text.start.only} {rules.join("; ")}
    </p>
  );
}
