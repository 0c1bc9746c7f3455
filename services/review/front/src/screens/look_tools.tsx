/** Tools to look at photographs: sliders and the actions that have keys. */
import type { VNode } from "preact";
import { type Action, keyLabel } from "../keys";
import { text } from "../text";
import { type Tone, UNCHANGED } from "../viewer/looks";

interface ToolProps {
  tone: Tone;
  onTone: (tone: Tone) => void;
  actions: Record<Action, () => void>;
  map: boolean;
  marks: boolean;
  hidden: boolean;
  linked: boolean;
  blinking: boolean;
}

const SLIDERS = ["brightness", "contrast"] as const;

export function LookTools({ tone, onTone, actions, map, marks, hidden, linked, blinking }: ToolProps): VNode {
  const toggles: [Action, boolean][] = [
    ["equalise", tone.equalised],
    ["link", linked],
    ["blink", blinking],
    ["map", map],
    ["marks", marks],
    ["hide", hidden],
  ];
  const others: Action[] = ["rotate_left", "rotate_right", "flip", "fit", "groups", "info", "help"];
  return (
    <div class="tools" role="group" aria-label={text.compare.tools}>
      {SLIDERS.map((name) => (
        <label key={name} class="slider">
          <span>
            {text.compare[name]} <kbd>{keyLabel(name)}</kbd>
          </span>
          <input
            id={`tool-${name}`}
            type="range"
            min="0.4"
            max="3"
            step="0.1"
            value={tone[name]}
            onInput={(event) => onTone({ ...tone, [name]: Number(event.currentTarget.value) })}
          />
        </label>
      ))}
      <button onClick={() => onTone(UNCHANGED)}>{text.compare.reset}</button>
      {toggles.map(([action, on]) => (
        <button key={action} aria-pressed={on} onClick={actions[action]} title={text.keys[action]}>
          {text.tools[action as keyof typeof text.tools]} <kbd>{keyLabel(action)}</kbd>
        </button>
      ))}
      {others.map((action) => (
        <button key={action} onClick={actions[action]} title={text.keys[action]}>
          {text.tools[action as keyof typeof text.tools]} <kbd>{keyLabel(action)}</kbd>
        </button>
      ))}
    </div>
  );
}
