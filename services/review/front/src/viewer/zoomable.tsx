/** One photograph that opens at the animal and can be zoomed and dragged. */
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Photo } from "../api/types";
import { Stage } from "./stage";

interface ZoomableProps {
  survey: string;
  photo: Photo;
  label: string;
}

export function Zoomable({ survey, photo, label }: ZoomableProps): VNode {
  const element = useRef<HTMLDivElement>(null);
  const stage = useRef<Stage | null>(null);
  useEffect(() => {
    if (!element.current) return;
    stage.current = new Stage(element.current, survey, {
      onView: () => undefined,
      onShown: (detection) => element.current?.setAttribute("data-shown", detection),
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
      <div class="stage" ref={element} />
    </div>
  );
}
