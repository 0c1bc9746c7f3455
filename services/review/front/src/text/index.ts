/** The texts in the language of the address (`?lang=fr`), of this browser's last choice, or of the browser. */
import { en, type Text } from "./en";
import { es } from "./es";
import { fr } from "./fr";

/** By code; a further language is a file like en.ts, entered here. */
export const languages: Record<string, Text> = { en, es, fr };
const STORED = "spotted-review language";

/** The first language that there is, English if there is none. */
export function languageOf(asked: readonly (string | null)[]): Text {
  const codes = asked.flatMap((tag) => (tag ? [tag.slice(0, 2).toLowerCase()] : []));
  return codes.map((code) => languages[code]).find(Boolean) ?? en;
}

/** Keeps a language in this browser; the page has it when it is loaded again. */
export function chooseLanguage(code: string): void {
  localStorage.setItem(STORED, code);
}

const asked = new URLSearchParams(location.search).get("lang");
if (asked) {
  chooseLanguage(asked);
  // the choice is kept, so that another one is not undone by the address
  history.replaceState(null, "", location.pathname + location.hash);
}
export const text: Text = languageOf([localStorage.getItem(STORED), ...navigator.languages]);
document.documentElement.lang = text.language;

const LOCALE = text.language === "en" ? "en-GB" : text.language;
const DAY: Intl.DateTimeFormatOptions = { timeZone: "UTC", day: "numeric", month: "short", year: "numeric" };

/** The clock of the camera as if it were UTC; null for a text that is no instant. */
function clock(instant: string): Date | null {
  const [, local] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)/.exec(instant) ?? [];
  return local ? new Date(`${local}Z`) : null;
}

/** `3 Feb 2026, 05:12 EAT` of an instant with its offset; the clock is that of the survey, not of the browser. */
export function when(instant: string | null, zone = ""): string {
  if (!instant) return text.noTime;
  const shown = clock(instant)?.toLocaleString(LOCALE, { ...DAY, hour: "2-digit", minute: "2-digit" });
  if (shown === undefined) return instant;
  return `${shown}${zone ? ` ${zone}` : ""}`;
}

/** `3 Feb 2026` of an instant. */
export function day(instant: string | null): string {
  if (!instant) return text.unknown;
  return clock(instant)?.toLocaleDateString(LOCALE, DAY) ?? instant;
}
