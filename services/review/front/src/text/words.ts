/** Numbers of a language, and what stands for sentences that the server writes in English. */
import type { Conflict, Effect, ExportState, Journey, Progress, Start, SurveyInfo } from "../api/types";

export interface Words {
  number: (n: number) => string;
  percent: (share: number) => string;
  /** A number with the noun in its singular or plural. */
  count: (n: number, one: string, many: string) => string;
}

export function wordsOf(language: string): Words {
  const format = new Intl.NumberFormat(language);
  const rules = new Intl.PluralRules(language);
  const number = (n: number): string => format.format(n);
  return {
    number,
    percent: (share) => `${Math.round(share * 100)} %`,
    count: (n, one, many) => `${number(n)} ${rules.select(n) === "one" ? one : many}`,
  };
}

/** What a language says instead of the server's sentences. */
export interface FromServer {
  chance: (english: string) => string;
  reason: (english: string) => string;
  journey: (journey: Journey) => string;
  advice: (progress: Progress) => string;
  /** Of a call that failed, by its reason. */
  failure: (reason: string, english: string) => string;
  /** Of an answer. */
  effect: (effect: Effect, english: string) => string;
  conflict: (conflict: Conflict) => string;
  /** To a person who joins others. */
  notice: (english: string) => string;
  /** Before an export. */
  warnings: (state: ExportState) => string[];
  /** What a survey lacks. */
  survey: (state: SurveyInfo["state"] | Start["state"], english: string) => string;
}

/** English: the sentences themselves. */
export const fromServer: FromServer = {
  chance: (english) => english,
  reason: (english) => english,
  journey: (journey) => journey.text,
  advice: (progress) => progress.advice,
  failure: (_, english) => english,
  effect: (_, english) => english,
  conflict: ({ message }) => message,
  notice: (english) => english,
  warnings: (state) => state.warnings,
  survey: (_, english) => english,
};

export interface MessageWords {
  /** By the reason of the failure. */
  failures: Record<string, string>;
  /** Of every other failure. */
  otherFailure: string;
  effects: Partial<Record<Effect, string>>;
  /** An answer stands against this many earlier answers and facts. */
  against: (answers: number, facts: number) => string;
  /** A fact that others rule out. */
  refusedFact: string;
  notice: { single: (who: string) => string; verified: (who: string) => string };
  warnings: { merges: (most: number | null) => string; conflicts: (n: number) => string; singletons: (n: number, of: number) => string };
  survey: Partial<Record<SurveyInfo["state"] | Start["state"], string>>;
}

type Messages = Pick<FromServer, "failure" | "effect" | "conflict" | "notice" | "warnings" | "survey">;

/** A language's own words for messages, found by their codes; the server's sentence if a code is unknown. */
export function messagesIn(words: MessageWords): Messages {
  return {
    failure: (reason, english) => words.failures[reason] ?? (english && words.otherFailure),
    effect: (effect, english) => (english && words.effects[effect]) || english,
    conflict: ({ label, explanation, evidence }) =>
      label ? words.against(explanation.length, evidence.length) : words.refusedFact,
    notice: (english) => {
      const who = /^Answers of (.+?) are in this session/.exec(english)?.[1];
      if (!who) return english;
      return words.notice[english.includes("trust is verified") ? "verified" : "single"](who);
    },
    warnings: ({ certified, conflicts, individuals, singletons, merges_left_at_most }) => [
      ...(certified ? [] : [words.warnings.merges(merges_left_at_most)]),
      ...(conflicts ? [words.warnings.conflicts(conflicts)] : []),
      ...(singletons > individuals / 2 ? [words.warnings.singletons(singletons, individuals)] : []),
    ],
    survey: (state, english) => (english && words.survey[state]) || english,
  };
}

export interface JourneyWords {
  sameCamera: string;
  sameStation: string;
  unknownDistance: string;
  unknownTime: string;
  minutes: string;
  hours: [string, string];
  days: [string, string];
  /** A time and a distance, the distance first. */
  apart: (distance: string, gap: string) => string;
  later: (gap: string) => string;
}

const [HOUR_S, DAY_S, SAME_PLACE_M] = [3600, 86_400, 1];

/** A journey in words: how long, and how far. */
export function journeyIn(language: string, words: JourneyWords): (journey: Journey) => string {
  const { count } = wordsOf(language);
  const digits = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  const rounded = (value: number): number => (value < 10 ? Math.round(10 * value) / 10 : Math.round(value));
  const gapOf = (seconds: number): string => {
    if (seconds < 60) return `${Math.round(seconds)} s`;
    if (seconds < HOUR_S) return `${Math.round(seconds / 60)} ${words.minutes}`;
    const [value, names] = seconds < 2 * DAY_S ? [seconds / HOUR_S, words.hours] : [seconds / DAY_S, words.days];
    return count(rounded(value), ...names);
  };
  const distanceOf = (metres: number): string =>
    metres < 1000 ? `${Math.round(metres)} m` : `${digits.format(rounded(metres / 1000))} km`;
  return ({ distance_m, gap_s, text }) => {
    const gap = gap_s === null ? null : gapOf(gap_s);
    if (distance_m === null) return gap === null ? "" : `${gap}, ${words.unknownDistance}`;
    const station = /^same station ([^,]+)/.exec(text)?.[1];
    if (station || distance_m < SAME_PLACE_M) {
      const place = station ? `${words.sameStation} ${station}` : words.sameCamera;
      return gap === null ? place : `${place}, ${words.later(gap)}`;
    }
    return words.apart(distanceOf(distance_m), gap ?? words.unknownTime);
  };
}

export interface AdviceWords {
  nothingAsked: string;
  everything: string;
  safe: (share: string) => string;
  nearly: (share: string) => string;
  more: (merges: string) => string;
  moreAtRate: (merges: string, questions: string, minutes: string) => string;
}

/** The share of merges with which the server calls a result finished. */
const ENOUGH = 0.95;

/** The next thing to do, from the same figures as the server's sentence. */
export function adviceIn(language: string, words: AdviceWords): (progress: Progress) => string {
  const { number, percent } = wordsOf(language);
  return (progress) => {
    const left = progress.merges_left_at_most;
    if (left === null) return "";
    if (progress.open_pairs === null) return words.nothingAsked;
    if (left === 0) return words.everything;
    const reached = Math.max(0, ...progress.guarantees.filter((one) => one.reached).map(({ target }) => target));
    if (reached) return reached >= ENOUGH ? words.safe(percent(reached)) : words.nearly(percent(reached));
    const { estimated_remaining_pairs: pairs, answers_per_minute: rate } = progress;
    if (!pairs || !rate) return words.more(number(left));
    return words.moreAtRate(number(left), number(Math.round(pairs)), number(Math.max(1, Math.round(pairs / rate))));
  };
}
