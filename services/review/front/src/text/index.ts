/** The texts in the language of the browser; English where there is none. es, pt, fr and sw belong here. */
import { en, type Text } from "./en";

const languages: Record<string, Text> = { en };

export const text: Text = navigator.languages.map((tag) => languages[tag.slice(0, 2)]).find(Boolean) ?? en;
document.documentElement.lang = text.language;

/** `3 Feb 2026, 05:12 EAT` of an instant with its offset; the clock is that of the survey, not of the browser. */
export function when(instant: string | null, zone = ""): string {
  if (!instant) return text.noTime;
  const [, local] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)/.exec(instant) ?? [];
  if (!local) return instant;
  const shown = new Date(`${local}Z`).toLocaleString(text.language === "en" ? "en-GB" : text.language, {
    timeZone: "UTC",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
  });
  return `${shown}${zone ? ` ${zone}` : ""}`;
}

/** `3 Feb 2026` of an instant. */
export function day(instant: string | null): string {
  return instant ? when(instant).replace(/,.*/, "") : text.unknown;
}
