/** The frames of a burst: one animal, or several? */
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { actionOf, useKeys } from "../keys";
import { AnswerBar, AnswerButton, SHAPES } from "../parts/answers";
import { described, SideBadge, Thumb } from "../parts/basics";
import { Help } from "../parts/help";
import { START } from "../routes";
import { say } from "../state";
import { text, when } from "../text";
import { labelOf, type QuestionProps } from "./ask";

export function BurstScreen({ survey, question, progress, waiting, onAnswer, onUndo, onRedo }: QuestionProps): VNode {
  const [help, setHelp] = useState(false);
  const detections = question.photos.map((photo) => photo.detection_id);
  const [first] = question.photos;
  useEffect(() => {
    if (first) say(`${text.burst.heading} ${described(first)}`);
  }, [question.key]);

  const versions = question.photos.map((photo) => photo.version).filter((version) => version != null);

  const answer = (one_animal: boolean): void =>
    onAnswer({ labels: [], bursts: [{ detections, one_animal, versions }] }, one_animal ? text.burst.one : text.burst.several);
  const skip = (): void => {
    const labels = first ? question.photos.slice(1).map((photo) => labelOf(first, photo, "skip")) : [];
    onAnswer({ labels, bursts: [] }, text.answer.skip);
  };

  useKeys((event) => {
    const key = event.key.toLowerCase();
    const plain = !event.repeat && !event.ctrlKey && !event.metaKey && !event.altKey;
    const action = actionOf(event);
    if (plain && key === "y") answer(true);
    else if (plain && key === "n") answer(false);
    else if (action === "skip") skip();
    else if (action === "undo") onUndo();
    else if (action === "redo") onRedo();
    else if (action === "help") setHelp(true);
    else if (action === "leave") location.hash = START;
    else return false;
    return true;
  });

  return (
    <div class="burst" data-key={question.key}>
      <div class="ask">
        <h1>{text.burst.heading}</h1>
        <p class="facts">
          <span>
            {first?.camera}, {when(first?.captured_at ?? null, first?.zone)}
          </span>
          <span class="reason">{text.server.reason(question.reason) || text.burst.help}</span>
        </p>
      </div>
      <div class="frames">
        {question.photos.map((photo, index) => (
          <figure key={photo.detection_id}>
            <Thumb survey={survey} photo={photo} large lazy={false} />
            <figcaption>
              <SideBadge side={photo.side} /> {text.burst.frame(index + 1, question.photos.length)},{" "}
              {when(photo.captured_at, photo.zone)}
            </figcaption>
          </figure>
        ))}
      </div>
      <AnswerBar progress={progress} waiting={waiting} onUndo={onUndo}>
        {([true, false] as const).map((one) => (
          <button key={String(one)} class={`answer ${one ? "same" : "different"}`} data-answer={one ? "one" : "several"} onClick={() => answer(one)}>
            <span class="shape" aria-hidden="true">
              {one ? SHAPES.same : SHAPES.different}
            </span>
            <span>{one ? text.burst.one : text.burst.several}</span>
            <kbd aria-hidden="true">{one ? "Y" : "N"}</kbd>
          </button>
        ))}
        <AnswerButton kind="skip" action="skip" onClick={skip} />
      </AnswerBar>
      {help && <Help onClose={() => setHelp(false)} />}
    </div>
  );
}
