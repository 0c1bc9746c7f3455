/** The JSON of the page's server, as docs/review-api.md describes it. */

export type Side = "left" | "right" | "front" | "back" | "unknown";
export type AnswerName = "same" | "different" | "not_comparable" | "skip";
export type ConfidenceName = "sure" | "fairly_sure" | "guess";
export type QuestionKind = "pair" | "gallery" | "burst";

/** Fractions of the upright image. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Photo {
  detection_id: string;
  camera: string;
  captured_at: string | null;
  zone: string;
  side: Side;
  file: string;
  image_id: string;
  encounter_id: string;
  species: string;
  known_as: string;
  /** Changes with the picture: part of its address, so that a browser never shows an earlier one. */
  picture: string;
  /** Only in questions: which of its pictures the detection has; the answer repeats it. */
  version?: number | null;
  box: Box | null;
  others: { detection_id: string; box: Box | null }[];
}

export interface ImageInfo {
  width: number;
  height: number;
  /** The sizes of whole pictures, by their `w`. */
  whole: Record<string, { width: number; height: number }>;
  tile_size: number;
  max_level: number;
  box: Box | null;
}

export interface Journey {
  distance_m: number | null;
  gap_s: number | null;
  speed_kmh: number | null;
  text: string;
}

export interface Question {
  key: string;
  kind: QuestionKind;
  anchor: Photo | null;
  photos: Photo[];
  reason: string;
  scores: number[];
  chances: string[];
  /** Whether the scores are probabilities that answers measured. */
  calibrated: boolean;
  journey: Journey | null;
  opposite_sides: boolean;
  lease_expires_at: string;
}

export interface OtherAnnotator {
  annotator: string;
  answers: number;
  answers_per_minute: number | null;
}

export interface NextQuestions {
  state: "ready" | "finished" | "leased";
  notice: string;
  others: OtherAnnotator[];
  questions: Question[];
}

export interface LabelSent {
  first: string;
  second: string;
  answer: AnswerName;
  first_version?: number | null | undefined;
  second_version?: number | null | undefined;
  note?: string;
  confidence?: ConfidenceName | "";
}

export interface BurstSent {
  detections: string[];
  one_animal: boolean;
  versions: number[];
  note?: string;
  confidence?: ConfidenceName | "";
}

export interface Given {
  labels: LabelSent[];
  bursts: BurstSent[];
}

export interface Label extends LabelSent {
  label_id: string;
  annotator: string;
  created_at: string;
}

export type Effect =
  | "merged"
  | "separated"
  | "implied"
  | "conflict"
  | "closed"
  | "pending"
  | "split"
  | "reopened"
  | "gone";

export interface Outcome {
  label: Label;
  effect: Effect;
  implied_same_pairs: number;
  message: string;
}

export interface Submitted {
  outcomes: Outcome[];
  progress: Progress;
  notice: string;
}

export interface Progress {
  detections: number;
  same: number;
  different: number;
  not_comparable: number;
  skipped: number;
  conflicts: number;
  individuals: number;
  same_pairs: number;
  open_pairs: number | null;
  estimated_remaining_pairs: number | null;
  answers_per_minute: number | null;
  summary: string;
  position: number;
  merges_left_at_most: number | null;
  guarantees: { target: number; reached: boolean }[];
  audit: { answered: number; same: number; open_pairs: number; same_at_most: number } | null;
  trust: string;
  pending: number;
  checks: number;
  agreement: number | null;
  kappa: number | null;
  annotators: {
    annotator: string;
    answers: number;
    answers_per_minute: number | null;
    false_same_rate: number | null;
    false_different_rate: number | null;
  }[];
  advice: string;
}

export interface Me {
  annotator: string;
  annotator_fixed: boolean;
  mode: "local" | "remote";
  version: string;
  survey_id: string;
  session_id: string;
}

export interface SessionInfo {
  session_id: string;
  strategy: string;
  trust: string;
  created_at: string | null;
  damage: string;
  only: Only;
}

/** The part of a survey that a session asks about: what is set of it. */
export interface Only {
  cameras?: string[];
  from?: string;
  before?: string;
  known?: boolean;
  other_encounters?: boolean;
  exclude?: string[];
  species?: string[];
}

export interface SurveyInfo {
  survey_id: string;
  display_name: string;
  cameras: number;
  detections: number;
  photographs: number | null;
  embedded_percent: number | null;
  time_zone: string;
  start: string | null;
  end: string | null;
  state: "ready" | "partly_embedded" | "not_embedded" | "damaged";
  message: string;
  command: string;
  sessions: SessionInfo[];
}

export interface Start {
  state: "ready" | "empty";
  message: string;
  command: string;
  surveys: SurveyInfo[];
}

export interface Context {
  individual: { individual_id: string; name: string; photographs: number } | null;
  group: Photo[];
  encounter: Photo[];
}

export interface Explained {
  visual: number | null;
  feasibility: number | null;
  fused: number | null;
  percentile: number | null;
  reason: string;
  journey: Journey | null;
  marks: Marks;
  scores: { fusion: string; calibrated: boolean; head: string };
}

/** Marks of the coat that two photographs share. */
export interface Marks {
  /** Whether the survey has any. */
  extracted: boolean;
  /** null: this pair was not matched. */
  matched: number | null;
  /** Of the heaviest: x and y in the box of the first photograph and of the second, as fractions of its sides. */
  points: [number, number, number, number][];
}

export interface Sighting {
  detection_id: string;
  camera: string;
  captured_at: string | null;
}

export interface MapGroup {
  detection_id: string;
  sightings: Sighting[];
  legs: { from: string; to: string; journey: Journey; too_fast: boolean }[];
}

/** Cameras on a plane 1 wide and `height` high: moved, turned and scaled, so never coordinates. */
export interface RelativeMap {
  width_m: number;
  height: number;
  scale_bar: { length: number; text: string } | null;
  without_position: number;
  cameras: { camera: string; x: number; y: number }[];
  groups: MapGroup[];
}

export interface Conflict {
  message: string;
  label: Label | null;
  explanation: Label[];
  evidence: { source: "image" | "known" | "encounter"; first: string; second: string; names: string[] }[];
  photos: Record<string, Photo>;
}

export interface Card {
  individual_id: string;
  name: string;
  display_name: string;
  sex: string;
  status: string;
  photographs: number;
  first_seen: string | null;
  last_seen: string | null;
  cameras: string[];
  sides: Side[];
  best: { left: Photo | null; right: Photo | null; other: Photo | null };
  position: number;
}

export interface IndividualPage extends Card {
  notes: string;
  tags: string[];
  dead_since: string | null;
  aliases: { individual_id: string; display_name: string }[];
  photos: Photo[];
  labels: Label[];
  /** The last answers that keep others apart from it, newest first, and the photographs of these others. */
  apart: Label[];
  apart_photos: Record<string, Photo>;
  map: RelativeMap | null;
}

export interface Changed {
  position: number;
  individuals: Card[];
  superseded: Label[];
  superseded_count: number;
}

export interface Candidates {
  detection: Photo;
  compared: number;
  fallback: string;
  excluded: { rule: string; detections: number }[];
  candidates: {
    photo: Photo;
    visual: number | null;
    feasibility: number | null;
    fused: number | null;
    reason: string;
    known_as: string;
    /** What was answered about it and the photograph. */
    labels: Label[];
  }[];
}

export interface Photos {
  total: number;
  photos: Photo[];
  cameras: string[];
}

export interface ExportState {
  certified: boolean;
  warnings: string[];
  detections: number;
  individuals: number;
  singletons: number;
  named: number;
  merges_left_at_most: number | null;
  conflicts: number;
  command: string;
}
