/** The boxes of the animals of a photograph that shows several: which one is asked about? */
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Box, Photo } from "../api/types";
import type { Stage } from "./stage";

const CORNERS = [
  [0, 0],
  [1, 0],
  [1, 1],
  [0, 1],
] as const;

/** The corners of a box on the screen, as an SVG polygon has them; "" if the photograph is not shown. */
function outline(stage: Stage, box: Box | null): string {
  const spots = box ? CORNERS.map(([x, y]) => stage.spotIn(box, x, y)) : [];
  return spots.flatMap((spot) => (spot ? [`${spot.x},${spot.y}`] : [])).join(" ");
}

export function Boxes({ stage, photo }: { stage: Stage; photo: Photo }): VNode {
  const layer = useRef<SVGSVGElement>(null);
  useEffect(() => {
    const place = (): void => {
      const own = stage.boxOf(photo);
      const boxes = own ? [own, ...photo.others.map(({ box }) => box)] : [];
      for (const [index, polygon] of [...(layer.current?.children ?? [])].entries()) {
        polygon.setAttribute("points", outline(stage, boxes[index] ?? null));
      }
    };
    place();
    return stage.onDrawn(place);
  }, [stage, photo.detection_id, photo.picture]);
  return (
    <svg class="boxes" aria-hidden="true" ref={layer}>
      <polygon class="asked" />
      {photo.others.map(({ detection_id }) => (
        <polygon key={detection_id} />
      ))}
    </svg>
  );
}
