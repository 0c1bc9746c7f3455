/** Numbered dots over a photograph, which move with it. */
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Photo } from "../api/types";
import type { Stage } from "./stage";

/** Okabe-Ito's colours that are seen on fur, in turn. */
const COLOURS = ["#f0e442", "#56b4e9", "#e69f00", "#2fd0a3"];

/** A place in the animal's box, as fractions of its sides. */
export type Dot = readonly [number, number];

interface DotsProps {
  stage: Stage;
  photo: Photo;
  /** The first is number 1. */
  dots: readonly Dot[];
}

export function Dots({ stage, photo, dots }: DotsProps): VNode {
  const layer = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const place = (): void => {
      const box = stage.boxOf(photo);
      for (const [index, [x, y]] of dots.entries()) {
        const element = layer.current?.children[index];
        if (!(element instanceof HTMLElement)) continue;
        const spot = box && stage.spotIn(box, x, y);
        element.hidden = !spot;
        if (spot) element.style.translate = `${spot.x}px ${spot.y}px`;
      }
    };
    place();
    return stage.onDrawn(place);
  }, [stage, photo.detection_id, photo.picture, dots]);
  return (
    <div class="dots" aria-hidden="true" ref={layer}>
      {dots.map((_, index) => (
        <span key={index} hidden style={{ "--dot": COLOURS[index % COLOURS.length] }}>
          {index + 1}
        </span>
      ))}
    </div>
  );
}
