/** The list of keys, in which they can be changed, and the settings of this browser. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { hideStrips, stripsHidden } from "../api/client";
import { type Action, type Actions, keyName, keysOf, remap, resetKeys, setSingleKeys, singleKeys, USUAL } from "../keys";
import { useKept } from "../state";
import { chooseLanguage, languages, text } from "../text";
import { Dialog } from "./basics";

const THEMES = ["dark", "light", "system"] as const;
type Theme = (typeof THEMES)[number];

export function applyTheme(theme: string): void {
  document.documentElement.dataset["theme"] = theme;
}

interface HelpProps {
  /** What the screen does by keys that can be changed. */
  actions: Actions;
  /** Its keys that cannot be changed, each with what it does. */
  fixed?: readonly (readonly [key: string, does: string])[];
  onClose: () => void;
}

/** The keys of one screen. */
export function Help({ actions, fixed = [], onClose }: HelpProps): VNode {
  const [asking, setAsking] = useState<Action | null>(null);
  const [problem, setProblem] = useState("");
  const [, redraw] = useState(0);
  const [theme, setTheme] = useKept<Theme>("theme", "dark");

  const pressed = (action: Action, event: KeyboardEvent): void => {
    if (asking !== action || ["Shift", "Tab", "Control", "Alt", "Meta"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key !== "Escape") setProblem(remap(action, event.key) ? "" : text.help.taken(keyName(event.key)));
    setAsking(null);
  };

  return (
    <Dialog title={text.help.title} onClose={onClose}>
      <p>{text.help.remap}</p>
      {problem && <p role="alert">{problem}</p>}
      <ul class="keys">
        {fixed.map(([key, does]) => (
          <li key={key} data-key-of={key}>
            <span>{does}</span>
            <span>
              <kbd>{key}</kbd>
            </span>
          </li>
        ))}
        {(Object.keys(USUAL) as Action[]).filter((action) => actions[action]).map((action) => (
          <li key={action} data-action={action}>
            <span>{text.keys[action]}</span>
            <button
              aria-label={`${text.keys[action]}: ${keysOf(action).map(keyName).join(", ")}`}
              onClick={() => setAsking(action)}
              onKeyDown={(event) => pressed(action, event)}
              onBlur={() => setAsking(null)}
            >
              {asking === action ? text.help.press : keysOf(action).map((key) => <kbd key={key}>{keyName(key)}</kbd>)}
            </button>
          </li>
        ))}
      </ul>
      <p class="row">
        <button
          onClick={() => {
            resetKeys();
            redraw((n) => n + 1);
          }}
        >
          {text.help.reset}
        </button>
        <label>
          <input
            type="checkbox"
            checked={singleKeys()}
            onChange={(event) => {
              setSingleKeys(event.currentTarget.checked);
              redraw((n) => n + 1);
            }}
          />{" "}
          {text.help.single}
        </label>
        <label>
          <input
            type="checkbox"
            checked={stripsHidden}
            onChange={(event) => {
              hideStrips(event.currentTarget.checked);
              location.reload();
            }}
          />{" "}
          {text.help.strips}
        </label>
        <label>
          {text.help.theme}{" "}
          <select
            value={theme}
            onChange={(event) => {
              setTheme(event.currentTarget.value as Theme);
              applyTheme(event.currentTarget.value);
            }}
          >
            {THEMES.map((one) => (
              <option key={one} value={one}>
                {text.help.themes[one]}
              </option>
            ))}
          </select>
        </label>
        <label>
          {text.help.language}{" "}
          <select
            value={text.language}
            onChange={(event) => {
              chooseLanguage(event.currentTarget.value);
              location.reload();
            }}
          >
            {Object.keys(languages).map((code) => (
              <option key={code} value={code} lang={code}>
                {new Intl.DisplayNames([code], { type: "language" }).of(code)}
              </option>
            ))}
          </select>
        </label>
      </p>
      {actions.fit && <p>{text.compare.zoom}</p>}
    </Dialog>
  );
}
