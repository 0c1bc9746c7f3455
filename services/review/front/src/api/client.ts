/** Calls of the page's server. */
import type { Photo } from "./types";

/** A call that failed: what the server said, or status 0 if it could not be reached. */
export class Failure extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
    readonly retryAfterS: number | null = null,
    readonly file = "",
  ) {
    super(message);
  }

  /** Whether the same request may succeed later without anyone changing it. */
  get temporary(): boolean {
    return (
      this.status === 0 ||
      this.status === 401 ||
      this.status === 429 ||
      this.status >= 500 ||
      this.reason === "CONCURRENT_WRITES"
    );
  }
}

interface ErrorBody {
  error?: { reason?: string; message?: string; retry_after_s?: number | null; file?: string };
}

async function failureOf(response: Response): Promise<Failure> {
  let body: ErrorBody = {};
  try {
    body = (await response.json()) as ErrorBody;
  } catch {
    // a proxy answered with a page of its own
  }
  const { reason = "", message = response.statusText, retry_after_s = null, file = "" } = body.error ?? {};
  return new Failure(response.status, reason, message, retry_after_s, file);
}

/** One call; `body` makes it a POST. Throws Failure. */
export async function call<T>(path: string, body?: object): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method: body === undefined ? "GET" : "POST",
      credentials: "same-origin",
      ...(body === undefined
        ? {}
        : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
    });
  } catch {
    throw new Failure(0, "UNAVAILABLE", "");
  }
  if (!response.ok) throw await failureOf(response);
  return (await response.json()) as T;
}

type Parameters = Record<string, string | number | boolean | null | undefined>;

/** `?a=1&b=x` of the parameters that have a value. */
export function query(parameters: Parameters): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return given.length ? `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : "";
}

const part = encodeURIComponent;

export const surveyPath = (survey: string): string => `/api/surveys/${part(survey)}`;
export const sessionPath = (survey: string, session: string): string =>
  `${surveyPath(survey)}/sessions/${part(session)}`;
export const imagePath = (survey: string, detection: string): string => `/img/${part(survey)}/${part(detection)}`;

const STRIPS = "spotted-review strips";
/** Whether the strips that cameras print into photographs are hidden; of this browser, as it was loaded. */
export const stripsHidden = globalThis.localStorage?.getItem(STRIPS) === "hidden";
export const hideStrips = (hidden: boolean): void => localStorage.setItem(STRIPS, hidden ? "hidden" : "shown");

/** What every address of a picture ends with: it changes with the picture, since browsers keep pictures. */
export const pictureQuery = (picture: string): string => `v=${picture}${stripsHidden ? "&mask=1" : ""}`;

/** The address of a small picture of the animal. */
export const thumbnail = (survey: string, { detection_id, picture }: Photo, width: 320 | 1600 = 320): string =>
  `${imagePath(survey, detection_id)}?w=${width}&crop=box&${pictureQuery(picture)}`;

/** A UUID for a write. */
export const newRequestId = (): string => crypto.randomUUID();
