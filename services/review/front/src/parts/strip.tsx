/** A row of small photographs from which one is chosen. */
import type { VNode } from "preact";
import type { Photo } from "../api/types";
import { described, SideBadge, Thumb } from "./basics";

interface StripProps {
  survey: string;
  label: string;
  photos: readonly Photo[];
  chosen: string;
  onChoose: (photo: Photo) => void;
}

export function Strip({ survey, label, photos, chosen, onChoose }: StripProps): VNode | null {
  if (!photos.length) return null;
  return (
    <div class="strip" role="group" aria-label={label}>
      <span class="strip-label">{label}</span>
      {photos.map((photo) => (
        <button
          key={photo.detection_id}
          class="strip-photo"
          aria-pressed={photo.detection_id === chosen}
          aria-label={described(photo)}
          title={described(photo)}
          onClick={() => onChoose(photo)}
        >
          <Thumb survey={survey} photo={photo} alt="" />
          <SideBadge side={photo.side} />
        </button>
      ))}
    </div>
  );
}
