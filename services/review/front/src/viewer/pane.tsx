/** A pane of Compare: a photograph, what is known of it, and others to choose instead. */
import type { VNode } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { call, Failure, surveyPath, thumbnail } from "../api/client";
import type { Context, Photo } from "../api/types";
import { Say, SideBadge } from "../parts/basics";
import { Strip } from "../parts/strip";
import { explained, me, type Told } from "../state";
import { text, when } from "../text";
import { Boxes } from "./boxes";
import { type Dot, Dots } from "./dots";
import { equalisingTable, filterOf, type Look, type Tone } from "./looks";
import { AT_BOX, Stage, type View } from "./stage";

interface PaneProps {
  survey: string;
  label: string;
  /** The photograph that the question is about. */
  asked: Photo;
  /** The photograph on the screen: asked, or another of its group. */
  photo: Photo;
  /** Shown instead for a moment. */
  over: Photo | null;
  context: Context | null;
  ahead: readonly Photo[];
  /** Whether those ahead may be loaded: they never delay what is on the screen. */
  idle: boolean;
  look: Look;
  tone: Tone;
  /** Matched marks of the photograph, in its box. */
  dots: readonly Dot[];
  onChoose: (photo: Photo) => void;
  onStage: (stage: Stage | null) => void;
  onView: (view: View) => void;
  /** The photograph is on the screen, or cannot be shown. */
  onSettled: (detection: string) => void;
  onLater: () => void;
}

export function Pane(props: PaneProps): VNode {
  const { survey, label, asked, photo, over, context, ahead, idle, look, tone, dots } = props;
  const element = useRef<HTMLDivElement>(null);
  const stage = useRef<Stage | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const [shown, setShown] = useState("");
  const [missing, setMissing] = useState<{ detection: string; error: unknown } | null>(null);
  const curve = `curve-${useId()}`;
  const visible = over ?? photo;

  useEffect(() => {
    if (!element.current) return;
    stage.current = new Stage(element.current, survey, {
      onView: (view) => latest.current.onView(view),
      onShown: (detection) => {
        setShown(detection);
        latest.current.onSettled(detection);
      },
      onMissing: (detection, error) => {
        setMissing({ detection, error });
        latest.current.onSettled(detection);
      },
    });
    props.onStage(stage.current);
    return () => {
      stage.current?.destroy();
      props.onStage(null);
    };
  }, [survey]);

  useEffect(() => {
    setMissing(null);
    // the asked photograph opens at its box; a blinked one keeps the view
    void stage.current?.show(visible, latest.current.look, over ? undefined : AT_BOX);
  }, [visible.detection_id]);
  useEffect(() => {
    const kept = [asked, photo, visible, ...ahead];
    stage.current?.keep(kept);
    if (idle) stage.current?.prepare(kept);
  }, [visible.detection_id, ahead.map((one) => one.detection_id).join(), idle]);
  useEffect(() => stage.current?.turn(look), [look]);

  const gone = missing?.detection === visible.detection_id ? missing : null;
  return (
    <section class="pane" aria-label={label} data-shown={shown} data-detection={visible.detection_id}>
      <div class="frame">
        <div class="stage" ref={element} style={{ filter: filterOf(tone, curve) }} />
        {tone.equalised && <Curve id={curve} survey={survey} photo={visible} />}
        {visible.others.length > 0 && stage.current && <Boxes stage={stage.current} photo={visible} />}
        {dots.length > 0 && !over && stage.current && <Dots stage={stage.current} photo={visible} dots={dots} />}
        {gone && <Missing {...props} error={gone.error} photo={visible} />}
        {look.mirrored && <span class="mirrored">{text.compare.mirrored}</span>}
        {over && <span class="mirrored">{text.compare.blinking}</span>}
      </div>
      <div class="below">
        <Caption photo={visible} context={context} />
        <div class="strips">
          <Strip
            survey={survey}
            label={text.compare.group}
            photos={context ? [asked, ...context.group.filter((one) => one.detection_id !== asked.detection_id)].slice(0, context.group.length ? 13 : 0) : []}
            chosen={visible.detection_id}
            onChoose={props.onChoose}
          />
          <Strip
            survey={survey}
            label={text.compare.burst}
            photos={context?.encounter ?? []}
            chosen={visible.detection_id}
            onChoose={props.onChoose}
          />
        </div>
      </div>
    </section>
  );
}

function Caption({ photo, context }: { photo: Photo; context: Context | null }): VNode {
  const individual = context?.individual;
  return (
    <p class="pane-caption">
      <span>
        <SideBadge side={photo.side} /> <strong>{photo.camera || text.noCamera}</strong> {when(photo.captured_at, photo.zone)}
      </span>
      <span class="soft">
        {individual && individual.photographs > 1 && <>{text.compare.groupOf(individual.name, individual.photographs)} · </>}
        {photo.others.length > 0 && <>{text.compare.animals(photo.others.length)} · </>}
        <span title={photo.file || photo.detection_id}>{photo.file || photo.detection_id}</span>
      </span>
    </p>
  );
}

/** An SVG filter that spreads the brightness of a photograph. */
function Curve({ id, survey, photo }: { id: string; survey: string; photo: Photo }): VNode {
  const [table, setTable] = useState("0 1");
  useEffect(() => {
    const image = new Image();
    image.onload = () => {
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = 96;
      const context = canvas.getContext("2d", { willReadFrequently: true });
      if (!context) return;
      context.drawImage(image, 0, 0, 96, 96);
      setTable(equalisingTable(context.getImageData(0, 0, 96, 96).data).map((value) => value.toFixed(3)).join(" "));
    };
    image.src = thumbnail(survey, photo);
  }, [survey, photo.detection_id, photo.picture]);
  return (
    <svg class="unseen" aria-hidden="true">
      <filter id={id} color-interpolation-filters="sRGB">
        <feComponentTransfer>
          <feFuncR type="table" tableValues={table} />
          <feFuncG type="table" tableValues={table} />
          <feFuncB type="table" tableValues={table} />
        </feComponentTransfer>
      </filter>
    </svg>
  );
}

function Missing({ survey, photo, error, onLater }: PaneProps & { error: unknown }): VNode {
  const [folder, setFolder] = useState("");
  const [answer, setAnswer] = useState<Told | null>(null);
  const absent = error instanceof Failure && error.reason === "IMAGE_MISSING";
  const search = async (): Promise<void> => {
    try {
      const { found, missing } = await call<{ found: number; missing: number }>(
        `${surveyPath(survey)}/photographs`,
        { folder },
      );
      setAnswer({ message: text.compare.found(found, missing), original: "" });
    } catch (failure) {
      setAnswer(explained(failure));
    }
  };
  return (
    <div class="missing-photo" role="alert">
      <div>
        {absent ? (
          text.compare.missing((error as Failure).file || photo.file)
        ) : (
          <Say {...(error instanceof Failure ? explained(error) : { message: text.compare.failedPhoto, original: "" })} />
        )}
      </div>
      {absent && me.value?.mode === "local" && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void search();
          }}
        >
          <label>
            {text.compare.moved} <input value={folder} onInput={(event) => setFolder(event.currentTarget.value)} />
          </label>
          <button disabled={!folder}>{text.compare.search}</button>
        </form>
      )}
      {answer && (
        <div>
          <Say {...answer} />
        </div>
      )}
      <button onClick={onLater}>{text.compare.later}</button>
    </div>
  );
}
