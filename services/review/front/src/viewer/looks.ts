/** How a person looks at a photograph for a moment: nothing of it is stored. */

export interface Look {
  rotation: number;
  mirrored: boolean;
}

export interface Tone {
  /** 1 is unchanged. */
  brightness: number;
  contrast: number;
  equalised: boolean;
}

export const PLAIN: Look = { rotation: 0, mirrored: false };
export const UNCHANGED: Tone = { brightness: 1, contrast: 1, equalised: false };

/** The CSS filter of a tone; `curve` is the id of an SVG filter that equalises. */
export function filterOf(tone: Tone, curve: string): string {
  const parts = [
    tone.equalised ? `url(#${curve})` : "",
    tone.brightness === 1 ? "" : `brightness(${tone.brightness})`,
    tone.contrast === 1 ? "" : `contrast(${tone.contrast})`,
  ];
  return parts.filter(Boolean).join(" ") || "none";
}

const BINS = 64;
/** No bin counts for more than this many times the mean: noise in a dark picture is not blown up. */
const CLIP = 3;

/**
 * The curve that spreads the brightness of a picture evenly, as a table for feFuncR, feFuncG and feFuncB.
 *
 * rgba: the bytes of its pixels. Clipped as in contrast-limited histogram equalisation (Zuiderveld 1994), over
 * the whole picture.
 */
export function equalisingTable(rgba: Uint8ClampedArray): number[] {
  const counts = new Array<number>(BINS).fill(0);
  const pixels = rgba.length / 4;
  for (let at = 0; at < rgba.length; at += 4) {
    const luma = 0.2126 * (rgba[at] ?? 0) + 0.7152 * (rgba[at + 1] ?? 0) + 0.0722 * (rgba[at + 2] ?? 0);
    const bin = Math.min(BINS - 1, Math.floor((luma / 256) * BINS));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const limit = (CLIP * pixels) / BINS;
  const surplus = counts.reduce((sum, count) => sum + Math.max(0, count - limit), 0) / BINS;
  const table = [0];
  let sum = 0;
  for (const count of counts) {
    sum += Math.min(count, limit) + surplus;
    table.push(pixels ? Math.min(1, sum / pixels) : table.length / BINS);
  }
  return table;
}
