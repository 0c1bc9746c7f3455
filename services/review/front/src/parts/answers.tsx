/** The bar of answers: a word, a shape and a key each. */
import type { ComponentChildren, VNode } from "preact";
import type { AnswerName, Progress } from "../api/types";
import { type Action, keyLabel } from "../keys";
import { text } from "../text";

export const SHAPES: Record<AnswerName | "undo", string> = {
  same: "=",
  different: "≠",
  not_comparable: "∅",
  skip: "⤼",
  undo: "↶",
};

interface ButtonProps {
  kind: keyof typeof SHAPES;
  action: Action;
  onClick: () => void;
  label?: string;
  disabled?: boolean;
}

export function AnswerButton({ kind, action, onClick, label, disabled = false }: ButtonProps): VNode {
  const key = keyLabel(action);
  return (
    <button class={`answer ${kind}`} onClick={onClick} disabled={disabled} data-answer={kind}>
      <span class="shape" aria-hidden="true">
        {SHAPES[kind]}
      </span>
      <span>{label ?? text.answer[kind]}</span>
      {key && <kbd aria-hidden="true">{key}</kbd>}
    </button>
  );
}

interface BarProps {
  progress: Progress | null;
  waiting: number;
  onUndo: () => void;
  /** How sure one is, and a note. */
  remarks: VNode;
  children: ComponentChildren;
}

export function AnswerBar({ progress, waiting, onUndo, remarks, children }: BarProps): VNode {
  return (
    <div class="answer-bar">
      <div class="answers">{children}</div>
      <AnswerButton kind="undo" action="undo" onClick={onUndo} />
      {remarks}
      {progress && <Counts progress={progress} waiting={waiting} />}
    </div>
  );
}

function Counts({ progress, waiting }: { progress: Progress; waiting: number }): VNode {
  const given = progress.same + progress.different + progress.not_comparable + progress.skipped;
  return (
    <p class="counts">
      <span data-answers={given}>{text.answers(given)}</span>
      <span>{text.individuals(progress.individuals)}</span>
      {waiting > 1 && <span class="waiting-count">+{waiting}</span>}
      {progress.advice && <span class="advice">{progress.advice}</span>}
    </p>
  );
}
