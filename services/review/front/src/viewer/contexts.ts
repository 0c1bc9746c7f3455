/** What stands around a photograph: its group so far and its burst. */
import { useEffect, useState } from "preact/hooks";
import { call, sessionPath } from "../api/client";
import type { Context } from "../api/types";

const contexts = new Map<string, Promise<Context>>();
const MOST_CONTEXTS = 60;

/** The group and burst of a detection. */
export function contextOf(survey: string, session: string, detection: string): Promise<Context> {
  const path = `${sessionPath(survey, session)}/context?detection=${encodeURIComponent(detection)}`;
  let context = contexts.get(path);
  if (!context) {
    context = call<Context>(path);
    context.catch(() => contexts.delete(path));
    contexts.set(path, context);
    const oldest = contexts.keys().next().value;
    if (contexts.size > MOST_CONTEXTS && oldest !== undefined) contexts.delete(oldest);
  }
  return context;
}

/** After answers that joined or parted groups, groups are read again. */
export function forgetContexts(): void {
  contexts.clear();
}

/** The context of a detection, null while it is read or if it cannot be read. */
export function useContextOf(survey: string, session: string, detection: string): Context | null {
  const [found, setFound] = useState<{ detection: string; context: Context } | null>(null);
  useEffect(() => {
    let wanted = true;
    contextOf(survey, session, detection).then(
      (context) => wanted && setFound({ detection, context }),
      () => undefined,
    );
    return () => {
      wanted = false;
    };
  }, [survey, session, detection]);
  return found?.detection === detection ? found.context : null;
}
