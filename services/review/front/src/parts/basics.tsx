/** Small parts that every screen uses. */
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { thumbnail } from "../api/client";
import type { Photo, Side } from "../api/types";
import { explained, type Told } from "../state";
import { text, when } from "../text";

export function SideBadge({ side }: { side: Side }): VNode {
  return (
    <span class={`badge side-${side}`}>
      <span aria-hidden="true">{text.sideShort[side]}</span>
      <span class="unseen">{text.sides[side]}</span>
    </span>
  );
}

/** A photograph in one line, as it is read aloud. */
export function described(photo: Photo): string {
  return [photo.camera || text.noCamera, when(photo.captured_at, photo.zone), text.sides[photo.side]].join(", ");
}

interface ThumbProps {
  survey: string;
  photo: Photo;
  /** Empty if the text beside it says the same. */
  alt?: string;
  large?: boolean;
  lazy?: boolean;
}

export function Thumb({ survey, photo, alt, large = false, lazy = true }: ThumbProps): VNode {
  return (
    <img
      class="thumb"
      src={thumbnail(survey, photo, large ? 1600 : 320)}
      alt={alt ?? described(photo)}
      loading={lazy ? "lazy" : "eager"}
      decoding="async"
      draggable={false}
      onError={(event) => event.currentTarget.classList.add("missing")}
    />
  );
}

/** A failure with what to do about it. */
export function Problem({ error, again }: { error: unknown; again?: () => void }): VNode {
  return (
    <div class="problem" role="alert">
      <h2>{text.failure.heading}</h2>
      <div>
        <Say {...explained(error)} />
      </div>
      {again && <button onClick={again}>{text.again}</button>}
    </div>
  );
}

/** A text in which `commands` stand in backquotes. */
export function Coded({ value }: { value: string }): VNode {
  return (
    <>
      {value.split("`").map((part, index) => (index % 2 ? <code key={index}>{part}</code> : part))}
    </>
  );
}

/** A message; the services' own English sentence, if it is another one, is folded behind it. */
export function Say({ message, original }: Told): VNode {
  return (
    <>
      <Coded value={message} />
      {original && (
        <details class="original">
          <summary>{text.details}</summary>
          <span lang="en">
            <Coded value={original} />
          </span>
        </details>
      )}
    </>
  );
}

export function Command({ value }: { value: string }): VNode {
  return (
    <p class="command">
      <code>{value}</code>
      <button onClick={(event) => copy(value, event.currentTarget)}>{text.copy}</button>
    </p>
  );
}

function copy(value: string, button: HTMLButtonElement): void {
  void navigator.clipboard.writeText(value).then(() => {
    button.textContent = text.copied;
  });
}

export function Waiting({ reason = text.loading }: { reason?: string }): VNode {
  return (
    <p class="waiting" role="status">
      <span class="spinner" aria-hidden="true" /> {reason}
    </p>
  );
}

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  wide?: boolean;
}

export function Dialog({ title, onClose, children, wide = false }: DialogProps): VNode {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    element.current?.showModal();
  }, []);
  return (
    <dialog ref={element} class={wide ? "wide" : ""} aria-label={title} onClose={onClose}>
      <header>
        <h2>{title}</h2>
        <button onClick={() => element.current?.close()}>{text.close}</button>
      </header>
      {children}
    </dialog>
  );
}
