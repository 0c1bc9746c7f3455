/** Marks of the coat that two photographs share, shown on request. */
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import { query, sessionPath } from "../api/client";
import type { Explained, Marks, Photo } from "../api/types";
import { Say } from "../parts/basics";
import { explained, type Told, useLoaded } from "../state";
import { text } from "../text";
import type { Dot } from "./dots";

/** More numbers than this hide the animal. */
const MOST_DOTS = 20;

export interface ShownMarks {
  /** Of the first photograph, and of the second. */
  dots: readonly [readonly Dot[], readonly Dot[]];
  /** What is shown, or why nothing is; null while it is read. */
  said: Told | null;
}

const NONE: ShownMarks = { dots: [[], []], said: null };

/** What is said about the marks of a pair of a survey. */
export function marksMessage({ extracted, matched, points }: Marks, survey: string): string {
  if (matched === null) return extracted ? text.marks.notMatched(survey) : text.marks.notExtracted(survey);
  return matched ? text.marks.matched(matched, Math.min(points.length, MOST_DOTS)) : text.marks.none;
}

/** The marks of two photographs; null while they are not wanted. */
export function useMarks(survey: string, session: string, [first, second]: readonly [Photo, Photo], wanted: boolean): ShownMarks | null {
  const ids = query({ first: first.detection_id, second: second.detection_id });
  const path = wanted ? `${sessionPath(survey, session)}/explain${ids}` : "";
  const { path: answered, data, error } = useLoaded<Explained>(path);
  const shown = useMemo((): ShownMarks => {
    if (answered !== path) return NONE;
    if (error) return { ...NONE, said: explained(error) };
    if (!data) return NONE;
    const points = data.marks.points.slice(0, MOST_DOTS);
    const dots = [points.map(([x, y]): Dot => [x, y]), points.map(([, , x, y]): Dot => [x, y])] as const;
    return { dots, said: { message: marksMessage(data.marks, survey), original: "" } };
  }, [answered, path, data, error]);
  return path ? shown : null;
}

export function MarksNote({ marks }: { marks: ShownMarks | null }): VNode | null {
  if (!marks) return null;
  return (
    <div class="marks-note" role="status">
      {marks.said ? <Say {...marks.said} /> : text.loading}
    </div>
  );
}
