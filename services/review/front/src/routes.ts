/** Addresses of screens: `#/SURVEY/SESSION/SCREEN/REST?PARAMETERS`. */
import { useEffect, useState } from "preact/hooks";

export const SCREENS = ["compare", "conflicts", "catalogue", "progress", "candidates", "export"] as const;
export type Screen = (typeof SCREENS)[number];

export interface Place {
  survey: string;
  session: string;
  screen: Screen | "start";
  /** An individual or a detection. */
  rest: string;
  parameters: URLSearchParams;
}

/** The place that an address names; anything unknown is the start. */
export function placeOf(hash: string): Place {
  const [path = "", parameters = ""] = hash.replace(/^#\/?/, "").split("?");
  const [survey = "", session = "", screen = "", ...rest] = path.split("/").map(decodeURIComponent);
  const known = SCREENS.find((one) => one === screen);
  return {
    survey: known ? survey : "",
    session: known ? session : "",
    screen: known ?? "start",
    rest: rest.join("/"),
    parameters: new URLSearchParams(parameters),
  };
}

export function addressOf(survey: string, session: string, screen: Screen, rest = "", parameters = ""): string {
  const path = [survey, session, screen, ...(rest ? [rest] : [])].map(encodeURIComponent).join("/");
  return `#/${path}${parameters ? `?${parameters}` : ""}`;
}

export const START = "#/";

export function usePlace(): Place {
  const [place, setPlace] = useState(() => placeOf(location.hash));
  useEffect(() => {
    const listen = (): void => setPlace(placeOf(location.hash));
    addEventListener("hashchange", listen);
    return () => removeEventListener("hashchange", listen);
  }, []);
  return place;
}
