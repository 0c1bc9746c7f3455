/** The frame of all screens: who is signed in, where to go, messages. */
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call, Failure, sessionPath } from "./api/client";
import type { Me, SessionInfo } from "./api/types";
import { Problem, Say, Waiting } from "./parts/basics";
import { addressOf, type Place, SCREENS, START, usePlace } from "./routes";
import { Ask } from "./screens/ask";
import { CandidatesScreen } from "./screens/candidates";
import { CatalogueScreen } from "./screens/catalogue";
import { ConflictsScreen } from "./screens/conflicts";
import { ExportScreen } from "./screens/export";
import { IndividualScreen } from "./screens/individual";
import { Login } from "./screens/login";
import { ProgressScreen } from "./screens/progress";
import { StartScreen } from "./screens/start";
import { dismiss, me, signedIn, spoken, toasts, useKept, useLoaded, useShared } from "./state";
import { text } from "./text";

/** Signs in with the one-time key of the address, or finds out who is signed in. */
async function enter(): Promise<void> {
  const key = /^#k=(.+)$/.exec(location.hash)?.[1];
  try {
    if (key) {
      // the key works once and is for nobody else: it leaves the address and the history
      history.replaceState(null, "", location.pathname);
      me.value = await call<Me>("/api/login", { key: decodeURIComponent(key) });
    } else me.value = await call<Me>("/api/me");
    signedIn.value = true;
    const { survey_id, session_id } = me.value;
    if (key && survey_id && session_id) location.hash = addressOf(survey_id, session_id, "compare");
  } catch (error) {
    if (error instanceof Failure && error.status === 0) throw error;
    signedIn.value = false;
  }
}

export function App(): VNode {
  const place = usePlace();
  const isIn = useShared(signedIn);
  const [failed, setFailed] = useState<unknown>(null);
  const load = (): void => {
    setFailed(null);
    enter().catch(setFailed);
  };
  useEffect(load, []);
  useEffect(() => {
    document.addEventListener("click", leaveButton);
    return () => document.removeEventListener("click", leaveButton);
  }, []);
  return (
    <>
      <a class="skip-link" href="#main" onClick={focusMain}>
        {text.skipToMain}
      </a>
      <Header place={place} />
      <main id="main" tabIndex={-1} class={`screen-${place.screen}`}>
        {failed ? <Problem error={failed} again={load} /> : isIn === null ? <Waiting /> : isIn ? <Body place={place} /> : <Login />}
      </main>
      <Messages />
    </>
  );
}

/** After a click by mouse or finger the keys belong to the question again: Space skips and presses no button. */
function leaveButton(event: MouseEvent): void {
  const button = event.target instanceof Element ? event.target.closest("button") : null;
  if (event.detail > 0 && !button?.closest("dialog") && button?.closest(".compare, .gallery, .burst")) button.blur();
}

function focusMain(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function Header({ place }: { place: Place }): VNode {
  const who = useShared(me);
  return (
    <header class="top">
      <a class="brand" href={START}>
        {text.title}
      </a>
      {place.survey && (
        <>
          <span class="where">
            {place.survey} / {place.session}
          </span>
          <nav aria-label={text.nav.label}>
            {SCREENS.map((screen) => (
              <a
                key={screen}
                href={addressOf(place.survey, place.session, screen)}
                aria-current={screen === place.screen ? "page" : undefined}
              >
                {text.nav[screen]}
              </a>
            ))}
          </nav>
        </>
      )}
      {who && <span class="who">{who.annotator}</span>}
    </header>
  );
}

function Messages(): VNode {
  const shown = useShared(toasts);
  const said = useShared(spoken);
  return (
    <>
      <div class="unseen" role="status" aria-live="polite">
        {said}
      </div>
      <div class="toasts" aria-live="polite" role="log">
        {shown.map(({ id, message, original, important }) => (
          <div key={id} class={important ? "toast important" : "toast"}>
            <Say message={message} original={original} />{" "}
            <button class="quiet" onClick={() => dismiss(id)} aria-label={text.close}>
              ×
            </button>
          </div>
        ))}
      </div>
    </>
  );
}

function Body({ place }: { place: Place }): VNode {
  useEffect(() => {
    document.title = place.survey ? `${place.survey} – ${text.title}` : text.title;
  }, [place.survey]);
  const { survey, session } = place;
  switch (place.screen) {
    case "start":
      return <StartScreen />;
    case "compare":
      return <Compare place={place} />;
    case "conflicts":
      return <ConflictsScreen survey={survey} session={session} />;
    case "catalogue":
      return place.rest ? (
        <IndividualScreen key={place.rest} survey={survey} session={session} individual={place.rest} />
      ) : (
        <CatalogueScreen survey={survey} session={session} />
      );
    case "progress":
      return <ProgressScreen survey={survey} session={session} />;
    case "candidates":
      return <CandidatesScreen survey={survey} session={session} detection={place.rest} />;
    case "export":
      return <ExportScreen survey={survey} session={session} />;
  }
}

/** How a person wants to be asked. With galleries pairs are asked too, where no gallery can be made. */
export type Shown = "pairs" | "galleries";

function Compare({ place }: { place: Place }): VNode {
  const { survey, session } = place;
  const who = useShared(me);
  const [shown] = useKept<Shown>("shown", "galleries");
  const path = sessionPath(survey, session);
  const { data, error, reload } = useLoaded<{ session: SessionInfo }>(path);
  if (error) return <Problem error={error} again={reload} />;
  if (!data || !who) return <Waiting />;
  const audit = place.parameters.has("audit");
  return (
    <>
      {audit && (
        <p class="banner">
          {text.compare.audit} <a href={addressOf(survey, session, "compare")}>{text.compare.endAudit}</a>
        </p>
      )}
      <Ask
        key={`${path} ${who.annotator} ${audit}`}
        survey={survey}
        session={data.session}
        annotator={who.annotator}
        galleries={shown === "galleries"}
        audit={audit}
      />
    </>
  );
}
