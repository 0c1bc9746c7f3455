import { expect, test } from "vitest";
import { en } from "../src/text/en";
import { es } from "../src/text/es";
import { fr } from "../src/text/fr";
import type { Conflict, ExportState, Journey, Progress } from "../src/api/types";

/** All texts of a language by their path; functions are called with numbers and words. */
function texts(part: object, path = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(part)) {
    const here = `${path}.${name}`;
    if (here === ".server") continue;
    if (typeof value === "string") found.set(here, value);
    else if (typeof value === "function") found.set(here, String((value as (...given: unknown[]) => unknown)(3, 2, 1)));
    else for (const [inner, text] of texts(value as object, here)) found.set(inner, text);
  }
  return found;
}

// words that are alike in these languages
const ALIKE = /Spotted|Conflicts|Catalog|Menu|Contrast|Notes|Candid|Export|Scores|Mirror|Burst|Photograph|Question|Note/i;

test.each([es, fr])("every text is there in each language, and none is left in English", (language) => {
  const [ours, english] = [texts(language), texts(en)];
  expect([...ours.keys()].sort()).toEqual([...english.keys()].sort());
  const same = [...ours].filter(([path, text]) => /[a-z]{4}/i.test(text) && english.get(path) === text && !ALIKE.test(text));
  expect(same).toEqual([]);
  expect([...ours.values()].every((text) => text.length > 0)).toBe(true);
});

test("journeys are told in the language of the page", () => {
  const journey = (distance_m: number | null, gap_s: number | null): Journey => ({ distance_m, gap_s, speed_kmh: null, text: "t" });
  expect(en.server.journey(journey(1, 1))).toBe("t");
  expect(es.server.journey(journey(2610, 9 * 86_400))).toBe("9 días, a 2,6 km");
  expect(fr.server.journey(journey(0, 3600))).toBe("même caméra, 1 heure plus tard");
  expect(fr.server.journey({ ...journey(12, 40), text: "same station ford, 40 s later" })).toBe("même station ford, 40 s plus tard");
  expect(es.server.journey(journey(null, 40))).toBe("40 s, distancia desconocida");
  expect(fr.server.journey(journey(null, null))).toBe("");
  expect(es.server.chance("likely")).toBe("probable");
  expect(fr.server.chance("best candidate")).toBe("meilleur candidat");
});

test("advice says the same as the server", () => {
  const progress = { merges_left_at_most: 80, open_pairs: 9, guarantees: [{ target: 0.9, reached: false }], estimated_remaining_pairs: 61.5, answers_per_minute: 6.1, advice: "a" } as unknown as Progress;
  expect(en.server.advice(progress)).toBe("a");
  expect(es.server.advice(progress)).toBe("Pueden faltar hasta 80 uniones: unas 62 preguntas más, 10 min a su ritmo.");
  expect(fr.server.advice({ ...progress, open_pairs: null })).toContain("premières questions");
  expect(fr.server.advice({ ...progress, merges_left_at_most: null })).toBe("");
  expect(es.server.advice({ ...progress, guarantees: [{ target: 0.95, reached: true }] })).toContain("puede parar");
});

const english = "session 'main' is held by anna (at event 7)";

test.each([es, fr])("messages are found by their codes, and English says what the services say", ({ server }) => {
  for (const reason of ["PERMISSION_DENIED", "UNAVAILABLE", "NOT_CERTIFIED", "SOMETHING_NEW"]) {
    expect(en.server.failure(reason, english)).toBe(english);
    expect(server.failure(reason, english)).not.toBe(english);
  }
  for (const effect of ["conflict", "pending", "split", "reopened", "gone"] as const) {
    expect(server.effect(effect, english)).not.toBe(english);
    expect(server.effect(effect, "")).toBe("");
  }
  expect(server.effect("merged", english)).toBe(english);
  const joined = "Answers of ann, ben and 2 more are in this session. Its trust is ";
  expect(server.notice(`${joined}single: yours decide`)).toContain("ann, ben and 2 more");
  expect(server.notice(`${joined}verified: yours`)).not.toBe(server.notice(`${joined}single: yours`));
  expect(server.notice(english)).toBe(english);
  expect(server.survey("ready", "")).toBe("");
  expect(server.survey("not_embedded", english)).not.toBe(english);
});

test("conflicts and warnings are counted from the figures", () => {
  const conflict = { label: {}, explanation: [{}, {}], evidence: [{}], message: english } as unknown as Conflict;
  expect(es.server.conflict(conflict)).toBe("Esta respuesta contradice 2 respuestas anteriores y 1 hecho.");
  expect(fr.server.conflict({ ...conflict, evidence: [] })).toBe("Cette réponse contredit 2 réponses antérieures.");
  expect(fr.server.conflict({ ...conflict, label: null })).toContain("corrigez un nom");
  expect(en.server.conflict(conflict)).toBe(english);
  const state = { certified: false, conflicts: 2, individuals: 10, singletons: 6, merges_left_at_most: 1, warnings: [english] } as unknown as ExportState;
  expect(en.server.warnings(state)).toEqual([english]);
  expect(es.server.warnings(state)[0]).toContain("hasta 1 individuo puede estar contado dos veces");
  expect(fr.server.warnings(state).length).toBe(3);
  expect(fr.server.warnings({ ...state, certified: true, conflicts: 0, singletons: 5 })).toEqual([]);
});
