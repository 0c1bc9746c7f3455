/** One photograph on the screen: OpenSeadragon, opened at the animal's box, with the next ones loaded ahead. */
import OpenSeadragon from "openseadragon";
import { call, imagePath } from "../api/client";
import type { Box, ImageInfo, Photo } from "../api/types";
import { type Look, PLAIN } from "./looks";

/** Around the box, as a share of its size. */
const MARGIN = 0.15;
/** Whole pictures that the server keeps on disk: one request each. Above them come tiles. */
const WHOLE = [320, 1600];

/** Zoom and centre relative to the animal's box, so that they mean the same on another photograph. */
export interface View {
  zoom: number;
  x: number;
  y: number;
}

export const AT_BOX: View = { zoom: 1, x: 0, y: 0 };

const infos = new Map<string, Promise<ImageInfo>>();

function infoOf(path: string, picture: string): Promise<ImageInfo> {
  const key = `${path}?v=${picture}`;
  let info = infos.get(key);
  if (!info) {
    info = call<ImageInfo>(`${path}/info`);
    info.catch(() => infos.delete(key));
    infos.set(key, info);
  }
  return info;
}

/** The levels of a photograph: small whole pictures, then the tiles that have more pixels. */
export function tileSource(path: string, picture: string, info: ImageInfo): object {
  const longer = Math.max(info.width, info.height);
  const whole = WHOLE.filter((width, index) => index === 0 || width < longer || (WHOLE[index - 1] ?? 0) < longer);
  const levels: { scale: number; level: number | null; width: number }[] = whole.map((width) => ({
    scale: Math.min(1, width / longer),
    level: null,
    width,
  }));
  for (let level = 0; level <= info.max_level; level++) {
    const scale = 2 ** (level - info.max_level);
    if (scale > (levels.at(-1)?.scale ?? 0)) levels.push({ scale, level, width: 0 });
  }
  const at = (level: number): (typeof levels)[number] => levels[level] ?? { scale: 1, level: null, width: 320 };
  const size = (level: number): { x: number; y: number } => ({
    x: Math.max(1, Math.ceil(info.width * at(level).scale)),
    y: Math.max(1, Math.ceil(info.height * at(level).scale)),
  });
  return {
    width: info.width,
    height: info.height,
    tileSize: info.tile_size,
    tileOverlap: 0,
    minLevel: 0,
    maxLevel: levels.length - 1,
    getLevelScale: (level: number) => at(level).scale,
    getTileWidth: (level: number) => (at(level).level === null ? size(level).x : info.tile_size),
    getTileHeight: (level: number) => (at(level).level === null ? size(level).y : info.tile_size),
    getNumTiles: (level: number) => {
      const { x, y } = size(level);
      return at(level).level === null
        ? new OpenSeadragon.Point(1, 1)
        : new OpenSeadragon.Point(Math.ceil(x / info.tile_size), Math.ceil(y / info.tile_size));
    },
    getTileUrl: (level: number, x: number, y: number) => {
      const { level: remote, width } = at(level);
      const address = remote === null ? `${path}?w=${width}&crop=image&` : `${path}/tiles/${remote}/${x}/${y}?`;
      return `${address}v=${picture}`;
    },
  };
}

/** A detection and its picture, which may be replaced by another one. */
const keyOf = ({ detection_id, picture }: Photo): string => `${detection_id}\n${picture}`;

interface Loaded {
  item: OpenSeadragon.TiledImage;
  info: ImageInfo;
}

export interface StageEvents {
  /** A person zoomed or dragged. */
  onView(view: View): void;
  /** The photograph is on the screen. */
  onShown(detection: string): void;
  onMissing(detection: string, error: unknown): void;
}

/** OpenSeadragon adds a style element unless there is one, which the page's content security policy forbids. */
function withoutOwnStyle(): void {
  const mark = "data-openseadragon-mobile-css";
  if (document.querySelector(`style[${mark}]`)) return;
  // not of HTML: it looks like the style element and styles nothing
  const standIn = document.createElementNS("urn:spotted", "style");
  standIn.setAttribute(mark, "");
  document.head.append(standIn);
}

export class Stage {
  private readonly viewer: OpenSeadragon.Viewer;
  private readonly loaded = new Map<string, Promise<Loaded>>();
  private shown: { photo: Photo; loaded: Loaded } | null = null;
  private wanted = "";
  private view: View = AT_BOX;
  private moving = false;

  constructor(
    element: HTMLElement,
    private readonly survey: string,
    private readonly events: StageEvents,
  ) {
    withoutOwnStyle();
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.viewer = OpenSeadragon({
      element,
      drawer: "canvas",
      showNavigationControl: false,
      tabIndex: -1,
      animationTime: calm ? 0 : 0.15,
      springStiffness: 10,
      blendTime: 0,
      immediateRender: true,
      minZoomImageRatio: 0.4,
      maxZoomPixelRatio: 6,
      visibilityRatio: 0.1,
      preserveImageSizeOnResize: false,
      silenceMultiImageWarnings: true,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
      gestureSettingsTouch: { clickToZoom: false, dblClickToZoom: true, pinchRotate: false },
    });
    this.viewer.addHandler("canvas-key", (event) => {
      event.preventDefaultAction = true; // the page has keys of its own
    });
    for (const gesture of ["canvas-drag", "canvas-scroll", "canvas-pinch", "canvas-double-click"] as const) {
      this.viewer.addHandler(gesture, () => {
        this.moving = true;
      });
    }
    this.viewer.addHandler("viewport-change", () => this.moving && this.report());
    this.viewer.addHandler("resize", () => setTimeout(() => this.place(this.view, true)));
  }

  /** Shows a photograph at its box; the one before stays until this one can be drawn. */
  async show(photo: Photo, look: Look = PLAIN, view: View = AT_BOX): Promise<void> {
    this.wanted = keyOf(photo);
    let loaded: Loaded;
    try {
      loaded = await this.load(photo);
    } catch (error) {
      if (this.wanted === keyOf(photo)) this.events.onMissing(photo.detection_id, error);
      return;
    }
    if (this.wanted !== keyOf(photo)) return;
    this.shown?.loaded.item.setOpacity(0);
    this.shown = { photo, loaded };
    this.viewer.world.setItemIndex(loaded.item, this.viewer.world.getItemCount() - 1);
    loaded.item.setOpacity(1);
    this.turn(look);
    this.place(view, true);
    this.whenDrawn(loaded.item, photo.detection_id);
  }

  /** Loads photographs ahead and forgets all others. */
  prepare(photos: readonly Photo[]): void {
    const kept = new Set([...photos.map(keyOf), this.wanted]);
    for (const [detection, loading] of this.loaded) {
      if (kept.has(detection)) continue;
      this.loaded.delete(detection);
      loading.then(({ item }) => this.viewer.world.removeItem(item)).catch(() => undefined);
    }
    for (const photo of photos) void this.load(photo).catch(() => undefined);
  }

  turn(look: Look): void {
    this.viewer.viewport.setRotation(look.rotation, true);
    this.viewer.viewport.setFlip(look.mirrored);
  }

  /** Goes to a view relative to the box. */
  place(view: View, immediately = false): void {
    if (!this.shown) return;
    this.view = view;
    this.moving = false;
    const home = this.home();
    const centre = home.getCenter();
    const { viewport } = this.viewer;
    viewport.zoomTo(this.fit(home) * view.zoom, undefined, immediately);
    viewport.panTo(
      new OpenSeadragon.Point(centre.x + view.x * home.width, centre.y + view.y * home.height),
      immediately,
    );
  }

  zoomBy(factor: number): void {
    this.place({ ...this.view, zoom: Math.max(0.2, this.view.zoom * factor) });
    this.events.onView(this.view);
  }

  destroy(): void {
    this.viewer.destroy();
  }

  private load(photo: Photo): Promise<Loaded> {
    const key = keyOf(photo);
    let loading = this.loaded.get(key);
    if (!loading) {
      loading = this.add(imagePath(this.survey, photo.detection_id), photo.picture);
      loading.catch(() => this.loaded.delete(key));
      this.loaded.set(key, loading);
    }
    return loading;
  }

  private async add(path: string, picture: string): Promise<Loaded> {
    const info = await infoOf(path, picture);
    return new Promise((resolve, reject) => {
      this.viewer.addTiledImage({
        tileSource: tileSource(path, picture, info),
        x: 0,
        y: 0,
        width: 1,
        opacity: 0,
        preload: true,
        success: (event: Event & { item?: OpenSeadragon.TiledImage }) =>
          event.item ? resolve({ item: event.item, info }) : reject(new Error(path)),
        error: () => reject(new Error(path)),
      });
    });
  }

  /** The box of the animal and a margin, in the viewer's units: the image is 1 wide. */
  private home(): OpenSeadragon.Rect {
    if (!this.shown) return new OpenSeadragon.Rect(0, 0, 1, 1);
    const { info } = this.shown.loaded;
    const height = info.height / info.width;
    const box = this.shown.photo.box ?? info.box;
    return box ? around(box, height) : new OpenSeadragon.Rect(0, 0, 1, height);
  }

  /** The zoom at which a part just fits; 1 shows the width of the image. */
  private fit(home: OpenSeadragon.Rect): number {
    return Math.min(1, home.width / home.height / this.viewer.viewport.getAspectRatio()) / home.width;
  }

  private report(): void {
    const home = this.home();
    const { viewport } = this.viewer;
    const centre = viewport.getCenter(true);
    this.view = {
      zoom: viewport.getZoom(true) / this.fit(home),
      x: (centre.x - home.getCenter().x) / home.width,
      y: (centre.y - home.getCenter().y) / home.height,
    };
    this.events.onView(this.view);
  }

  private whenDrawn(item: OpenSeadragon.TiledImage, detection: string): void {
    const tell = (): void => {
      if (this.wanted === detection) this.events.onShown(detection);
    };
    if (item.getFullyLoaded()) requestAnimationFrame(tell);
    else {
      const listen = (): void => {
        if (!item.getFullyLoaded()) return;
        item.removeHandler("fully-loaded-change", listen);
        tell();
      };
      item.addHandler("fully-loaded-change", listen);
    }
  }
}

function around(box: Box, height: number): OpenSeadragon.Rect {
  const [dx, dy] = [box.width * MARGIN, box.height * MARGIN];
  const [left, top] = [Math.max(0, box.x - dx), Math.max(0, box.y - dy)];
  const [right, bottom] = [Math.min(1, box.x + box.width + dx), Math.min(1, box.y + box.height + dy)];
  return new OpenSeadragon.Rect(left, top * height, right - left, (bottom - top) * height);
}
