/** What would change if answers were taken back, before it is done. */
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call } from "../api/client";
import type { Progress } from "../api/types";
import { explained, type Told } from "../state";
import { text } from "../text";
import { Dialog, Say, Waiting } from "./basics";

const COUNTS = ["individuals", "same_pairs", "conflicts", "pending", "merges_left_at_most"] as const;

interface Preview {
  before: Progress;
  after: Progress;
}

/** The counts that differ. */
export function changes({ before, after }: Preview): { name: (typeof COUNTS)[number]; before: number; after: number }[] {
  return COUNTS.flatMap((name) => {
    const [was, is] = [before[name], after[name]];
    return was === null || is === null || was === is ? [] : [{ name, before: was, after: is }];
  });
}

interface TakeBackProps {
  /** The path of the session. */
  path: string;
  labelIds: readonly string[];
  onClose: () => void;
  onTakeBack: () => void;
}

/** Asks before answers are taken back, and says what would follow. */
export function TakeBack({ path, labelIds, onClose, onTakeBack }: TakeBackProps): VNode {
  const [preview, setPreview] = useState<Preview | null>(null);
  const [problem, setProblem] = useState<Told | null>(null);
  useEffect(() => {
    call<Preview>(`${path}/retract/preview`, { label_ids: labelIds }).then(setPreview, (error: unknown) =>
      setProblem(explained(error)),
    );
  }, [path, labelIds.join()]);
  return (
    <Dialog title={text.conflicts.confirm} onClose={onClose}>
      <p>{text.conflicts.effect(labelIds.length)}</p>
      {problem ? <div role="alert"><Say {...problem} /></div> : preview ? <Changes preview={preview} /> : <Waiting />}
      <button class="primary" disabled={!preview} onClick={onTakeBack}>
        {text.conflicts.takeBack}
      </button>
    </Dialog>
  );
}

function Changes({ preview }: { preview: Preview }): VNode {
  const rows = changes(preview);
  if (!rows.length) return <p>{text.preview.nothing}</p>;
  return (
    <table class="preview">
      <caption>{text.preview.title}</caption>
      <thead>
        <tr>
          <td />
          <th scope="col">{text.preview.columns.before}</th>
          <th scope="col">{text.preview.columns.after}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ name, before, after }) => (
          <tr key={name} data-count={name}>
            <th scope="row">{text.preview[name]}</th>
            <td>{text.number(before)}</td>
            <td>{text.number(after)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
