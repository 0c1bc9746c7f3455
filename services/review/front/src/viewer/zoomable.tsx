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
  /** Shown later: loaded when this one is settled. */
  ahead?: readonly Photo[];
  /** The photograph is on the screen, or cannot be shown. */
  onSettled?: (detection: string) => void;
}

export function Zoomable({ survey, photo, label, dots = [], ahead = [], onSettled }: ZoomableProps): VNode {
  const element = useRef<HTMLDivElement>(null);
  const stage = useRef<Stage | null>(null);
  const [settled, setSettled] = useState("");
  useEffect(() => {
    if (!element.current) return;
    stage.current = new Stage(element.current, survey, {
      onView: () => undefined,
      onShown: (detection) => {
        element.current?.setAttribute("data-shown", detection);
        setSettled(detection);
      },
      onMissing: setSettled,
    });
    return () => stage.current?.destroy();
  }, [survey]);
  useEffect(() => {
    void stage.current?.show(photo);
  }, [photo.detection_id]);
  useEffect(() => {
    const kept = [photo, ...ahead];
    stage.current?.keep(kept);
    if (settled !== photo.detection_id) return;
    stage.current?.prepare(kept);
    onSettled?.(settled);
  }, [photo.detection_id, ahead.map((one) => one.detection_id).join(), settled]);
  return (
    <div class="frame" role="img" aria-label={label}>
      <div class="stage" ref={element} />
      {photo.others.length > 0 && stage.current && <Boxes stage={stage.current} photo={photo} />}
      {dots.length > 0 && stage.current && <Dots stage={stage.current} photo={photo} dots={dots} />}
    </div>
  );
}
