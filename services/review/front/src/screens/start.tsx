/** Surveys and sessions, who answers, and what to do next. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { call, newRequestId, surveyPath } from "../api/client";
import type { Me, SessionInfo, Start, SurveyInfo } from "../api/types";
import type { Shown } from "../app";
import { Command, Problem, Say, Waiting } from "../parts/basics";
import { OnlyPart } from "../parts/only";
import { addressOf } from "../routes";
import { explained, me, toast, told, useKept, useLoaded, useShared } from "../state";
import { day, text } from "../text";

export function StartScreen(): VNode {
  const { data, error, reload } = useLoaded<Start>("/api/start");
  if (error) return <Problem error={error} again={reload} />;
  if (!data) return <Waiting />;
  return (
    <div class="page">
      <h1>{text.nav.start}</h1>
      <Who />
      <HowAsked />
      {data.state === "empty" && (
        <>
          <p>{text.start.nothing}</p>
          {data.command && <Command value={data.command} />}
        </>
      )}
      <div class="surveys">
        {data.surveys.map((survey) => (
          <SurveyCard key={survey.survey_id} survey={survey} />
        ))}
      </div>
    </div>
  );
}

function Who(): VNode | null {
  const who = useShared(me);
  const [name, setName] = useState(who?.annotator ?? "");
  if (!who) return null;
  const change = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      me.value = await call<Me>("/api/me", { annotator: name });
      toast(text.individual.saved);
    } catch (error) {
      toast(explained(error), true);
    }
  };
  return (
    <form class="row" onSubmit={(event) => void change(event)}>
      <label>
        {text.start.who}{" "}
        <input value={name} disabled={who.annotator_fixed} onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      {!who.annotator_fixed && <button disabled={!name || name === who.annotator}>{text.start.change}</button>}
    </form>
  );
}

function HowAsked(): VNode {
  const [shown, setShown] = useKept<Shown>("shown", "galleries");
  return (
    <fieldset class="row">
      <legend>{text.start.shown}</legend>
      {(["galleries", "pairs"] as const).map((one) => (
        <label key={one}>
          <input type="radio" name="shown" checked={shown === one} onChange={() => setShown(one)} /> {text.start[one]}
        </label>
      ))}
    </fieldset>
  );
}

function SurveyCard({ survey }: { survey: SurveyInfo }): VNode {
  if (survey.state === "damaged") {
    return (
      <section class="survey problem" aria-label={survey.survey_id}>
        <h2>{survey.survey_id}</h2>
        <div>
          <Say {...told(text.server.survey(survey.state, survey.message), survey.message)} />
        </div>
      </section>
    );
  }
  const { sessions } = survey;
  const usable = survey.state !== "not_embedded";
  return (
    <section class="survey" aria-label={survey.display_name || survey.survey_id}>
      <h2>{survey.display_name || survey.survey_id}</h2>
      <p>
        {text.photographs(survey.detections)}, {text.cameras(survey.cameras)}
        {survey.start && `, ${text.catalogue.seen(day(survey.start), day(survey.end))}`}
        {survey.time_zone && `, ${survey.time_zone}`}
      </p>
      {survey.embedded_percent !== null && survey.embedded_percent < 100 && (
        <p>
          <meter min={0} max={100} value={survey.embedded_percent} aria-label={text.start.embedded(survey.embedded_percent)} />{" "}
          {text.start.embedded(survey.embedded_percent)}
        </p>
      )}
      {survey.message && (
        <div>
          <Say {...told(text.server.survey(survey.state, survey.message), survey.message)} />
        </div>
      )}
      {survey.command && <Command value={survey.command} />}
      {usable && sessions.map((session, index) => <SessionRow key={session.session_id} survey={survey} session={session} first={index === 0} />)}
      {usable && <NewSession survey={survey} />}
    </section>
  );
}

function SessionRow({ survey, session, first }: { survey: SurveyInfo; session: SessionInfo; first: boolean }): VNode {
  if (session.damage) {
    return (
      <p class="problem">
        {session.session_id}: {session.damage}
      </p>
    );
  }
  const to = (screen: Parameters<typeof addressOf>[2]): string => addressOf(survey.survey_id, session.session_id, screen);
  return (
    <div class="row">
      <a class={first ? "button primary big" : "button"} href={to("compare")}>
        {text.start.goOn}: {session.session_id}
      </a>
      <span>{text.start.trust[session.trust] ?? session.trust}</span>
      <a href={to("catalogue")}>{text.nav.catalogue}</a>
      <a href={to("progress")}>{text.nav.progress}</a>
      <OnlyPart only={session.only} />
    </div>
  );
}

function NewSession({ survey }: { survey: SurveyInfo }): VNode {
  const none = !survey.sessions.length;
  const [name, setName] = useState(none ? "main" : "");
  const create = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      await call(`${surveyPath(survey.survey_id)}/sessions`, { session_id: name, request_id: newRequestId() });
      location.hash = addressOf(survey.survey_id, name, "compare");
    } catch (error) {
      toast(explained(error), true);
    }
  };
  const form = (
    <form class="row" onSubmit={(event) => void create(event)}>
      <label>
        {text.start.sessionName} <input required value={name} onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      <button class={none ? "primary big" : ""}>{text.start.begin}</button>
    </form>
  );
  if (none) return form;
  return (
    <details>
      <summary>{text.start.newSession}</summary>
      {form}
    </details>
  );
}
