/** What a person says about an answer before it is given: how sure they are, and a note. */
import type { VNode } from "preact";
import type { ConfidenceName } from "../api/types";
import { keyLabel } from "../keys";
import { text } from "../text";

export interface Remark {
  confidence: ConfidenceName | "";
  note: string;
}

export const NO_REMARK: Remark = { confidence: "", note: "" };
/** The most that the services store. */
const LONGEST_NOTE = 1000;
const NOTE = "note-of-answer";
const CONFIDENCES: readonly ConfidenceName[] = ["sure", "fairly_sure", "guess"];

/** The remark with a confidence; the same again takes it off. */
export function marked(remark: Remark, confidence: ConfidenceName): Remark {
  return { ...remark, confidence: remark.confidence === confidence ? "" : confidence };
}

/** What is sent with a label: nothing that was not said. */
export function spoken({ confidence, note }: Remark): { note?: string; confidence?: ConfidenceName } {
  return { ...(note.trim() ? { note: note.trim() } : {}), ...(confidence ? { confidence } : {}) };
}

export function focusNote(): void {
  document.getElementById(NOTE)?.focus();
}

interface RemarksProps {
  remark: Remark;
  onRemark: (remark: Remark) => void;
  /** Whether keys say how sure one is; digits mark photographs in a gallery. */
  keys?: boolean;
}

export function Remarks({ remark, onRemark, keys = true }: RemarksProps): VNode {
  return (
    <span class="remarks" role="group" aria-label={text.remark.label}>
      {CONFIDENCES.map((one) => (
        <button key={one} aria-pressed={remark.confidence === one} data-confidence={one} title={text.keys[one]} onClick={() => onRemark(marked(remark, one))}>
          {text.remark.confidence[one]} {keys && <kbd>{keyLabel(one)}</kbd>}
        </button>
      ))}
      <label>
        <span>
          {text.remark.note} <kbd>{keyLabel("note")}</kbd>
        </span>
        <input
          id={NOTE}
          value={remark.note}
          maxLength={LONGEST_NOTE}
          placeholder={text.remark.notePlaceholder}
          onInput={(event) => onRemark({ ...remark, note: event.currentTarget.value })}
          onKeyDown={(event) => {
            // the keys belong to the question again
            if (event.key === "Enter" || event.key === "Escape") event.currentTarget.blur();
          }}
        />
      </label>
    </span>
  );
}

/** The remark of a stored answer in one line; nothing if there is none. */
export function StoredRemark({ note = "", confidence = "" }: { note?: string | undefined; confidence?: ConfidenceName | "" | undefined }): VNode | null {
  if (!note && !confidence) return null;
  return (
    <span class="remark">
      {confidence && text.remark.confidence[confidence]}
      {confidence && note && ": "}
      {note && <q>{note}</q>}
    </span>
  );
}
