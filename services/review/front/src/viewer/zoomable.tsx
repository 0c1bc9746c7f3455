/** One photograph that opens at the animal and can be zoomed and dragged. */
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Photo } from "../api/types";
import { Boxes } from "./boxes";
import { type Dot, Dots } from "./dots";
import { Stage } from "./stage";

interface ZoomableProps {
  survey: string;
  photo: Photo;
  label: string;
  /** Matched marks of the photograph, in its box. */
  dots?: readonly Dot[] | undefined;
}

export function Zoomable({ survey, photo, label, dots = [] }: ZoomableProps): VNode {
  const element = useRef<HTMLDivElement>(null);
  const stage = useRef<Stage | null>(null);
  const [shown, setShown] = useState("");
  useEffect(() => {
    if (!element.current) return;
    stage.current = new Stage(element.current, survey, {
      onView: () => undefined,
      onShown: setShown,
      onMissing: () => undefined,
    });
    return () => stage.current?.destroy();
  }, [survey]);
  useEffect(() => {
    void stage.current?.show(photo);
    stage.current?.prepare([photo]);
  }, [photo.detection_id]);
  return (
    <div class="frame" role="img" aria-label={label}>
      <div class="stage" ref={element} data-shown={shown} />
      {photo.others.length > 0 && stage.current && <Boxes stage={stage.current} photo={photo} />}
      {dots.length > 0 && stage.current && <Dots stage={stage.current} photo={photo} dots={dots} />}
    </div>
  );
}
