/** One photograph on the screen: OpenSeadragon, opened at the animal's box, with the next ones loaded ahead. */
import OpenSeadragon from "openseadragon";
import { call, imagePath, pictureQuery } from "../api/client";
import type { Box, ImageInfo, Photo } from "../api/types";
import { type Look, PLAIN } from "./looks";

/** Around the box, as a share of its size. */
const MARGIN = 0.15;
/** Whole pictures that the server keeps on disk: one request each. Above them come tiles. */
const WHOLE = ["320", "1600"];
/** Screen pixels that a pixel of the picture takes at least: more tiles would be seen by nobody. */
const SHARP = 0.75;

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
  const levels: { scale: number; level: number | null; width: string }[] = [];
  const add = (scale: number, level: number | null, width = ""): void => {
    if (scale > (levels.at(-1)?.scale ?? 0)) levels.push({ scale, level, width });
  };
  for (const width of WHOLE) add((info.whole[width]?.width ?? 0) / info.width, null, width);
  for (let level = 0; level <= info.max_level; level++) add(2 ** (level - info.max_level), level);
  const at = (level: number): (typeof levels)[number] => levels[level] ?? { scale: 1, level: null, width: "320" };
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
      return `${address}${pictureQuery(picture)}`;
    },
  };
}

/** A detection and its picture, which may be replaced by another one. */
const keyOf = ({ detection_id, picture }: Photo): string => `${detection_id}\n${picture}`;

interface Loaded {
  item: OpenSeadragon.TiledImage;
  /** The animal's box and a margin, in the image's own units: it is 1 wide. */
  home: OpenSeadragon.Rect;
  /** The box itself, in fractions of the image. */
  box: Box;
}

/** A place in the pane, in pixels from its upper left corner. */
export interface Spot {
  x: number;
  y: number;
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

/**
 * Every photograph lies so that its animal fills the pane where the view begins: those that are loaded ahead
 * load the tiles with which they will be shown.
 */
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
      minPixelRatio: SHARP,
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
    this.viewer.addHandler("resize", () =>
      setTimeout(() => {
        for (const loading of this.loaded.values()) loading.then((one) => this.lay(one)).catch(() => undefined);
        this.place(this.view, true);
      }),
    );
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
    this.whenDrawn(loaded.item, photo);
  }

  /** Forgets all photographs but these. */
  keep(photos: readonly Photo[]): void {
    const kept = new Set([...photos.map(keyOf), this.wanted]);
    for (const [detection, loading] of this.loaded) {
      if (kept.has(detection)) continue;
      this.loaded.delete(detection);
      loading.then(({ item }) => this.viewer.world.removeItem(item)).catch(() => undefined);
    }
  }

  /** Loads photographs that are shown later. */
  prepare(photos: readonly Photo[]): void {
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
    const { home } = this.shown.loaded;
    const fit = this.fit(home);
    const { viewport } = this.viewer;
    viewport.zoomTo(view.zoom, undefined, immediately);
    viewport.panTo(new OpenSeadragon.Point(view.x * home.width * fit, view.y * home.height * fit), immediately);
  }

  zoomBy(factor: number): void {
    this.place({ ...this.view, zoom: Math.max(0.2, this.view.zoom * factor) });
    this.events.onView(this.view);
  }

  /** Calls `listener` whenever something was drawn; returns how to end that. */
  onDrawn(listener: () => void): () => void {
    this.viewer.addHandler("update-viewport", listener);
    return () => this.viewer.removeHandler("update-viewport", listener);
  }

  /** The box of a photograph's animal, in fractions of the image; null while another photograph is shown. */
  boxOf(photo: Photo): Box | null {
    return this.shown && keyOf(this.shown.photo) === keyOf(photo) ? this.shown.loaded.box : null;
  }

  /** The place on the screen of a point of a box on the photograph that is shown, in fractions of the box. */
  spotIn(box: Box, x: number, y: number): Spot | null {
    if (!this.shown) return null;
    const { item } = this.shown.loaded;
    const { x: wide, y: high } = item.getContentSize();
    const { viewport } = this.viewer;
    const at = item.imageToViewportCoordinates((box.x + x * box.width) * wide, (box.y + y * box.height) * high, true);
    const pixel = viewport.pixelFromPoint(at, true);
    // the picture is mirrored after it was turned
    return { x: viewport.getFlip() ? viewport.getContainerSize().x - pixel.x : pixel.x, y: pixel.y };
  }

  destroy(): void {
    this.viewer.destroy();
  }

  private load(photo: Photo): Promise<Loaded> {
    const key = keyOf(photo);
    let loading = this.loaded.get(key);
    if (!loading) {
      loading = this.add(imagePath(this.survey, photo.detection_id), photo);
      loading.catch(() => this.loaded.delete(key));
      this.loaded.set(key, loading);
    }
    return loading;
  }

  private async add(path: string, { box, picture }: Photo): Promise<Loaded> {
    const info = await infoOf(path, picture);
    const shown = box ?? info.box ?? WHOLE_BOX;
    const home = around(shown, info.height / info.width);
    return new Promise((resolve, reject) => {
      this.viewer.addTiledImage({
        tileSource: tileSource(path, picture, info),
        ...this.laid(home),
        opacity: 0,
        preload: true,
        success: (event: Event & { item?: OpenSeadragon.TiledImage }) =>
          event.item ? resolve({ item: event.item, home, box: shown }) : reject(new Error(path)),
        error: () => reject(new Error(path)),
      });
    });
  }

  /** Where an image lies: the centre of its home at the origin, its width by which home just fits. */
  private laid(home: OpenSeadragon.Rect): { x: number; y: number; width: number } {
    const fit = this.fit(home);
    const centre = home.getCenter();
    return { x: -centre.x * fit, y: -centre.y * fit, width: fit };
  }

  private lay({ item, home }: Loaded): void {
    const { x, y, width } = this.laid(home);
    item.setWidth(width, true);
    item.setPosition(new OpenSeadragon.Point(x, y), true);
  }

  /** The width of an image in the pane's own units, the pane 1 wide, with which its home just fits. */
  private fit(home: OpenSeadragon.Rect): number {
    const aspect = this.viewer.viewport.getAspectRatio();
    // a pane that is not shown yet has none
    return Math.min(1, home.width / home.height / (Number.isFinite(aspect) && aspect > 0 ? aspect : 1)) / home.width;
  }

  private report(): void {
    if (!this.shown) return;
    const { home } = this.shown.loaded;
    const fit = this.fit(home);
    const { viewport } = this.viewer;
    const centre = viewport.getCenter(true);
    this.view = { zoom: viewport.getZoom(true), x: centre.x / (home.width * fit), y: centre.y / (home.height * fit) };
    this.events.onView(this.view);
  }

  private whenDrawn(item: OpenSeadragon.TiledImage, photo: Photo): void {
    const tell = (): void => {
      if (this.wanted === keyOf(photo)) this.events.onShown(photo.detection_id);
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

const WHOLE_BOX: Box = { x: 0, y: 0, width: 1, height: 1 };

function around(box: Box, height: number): OpenSeadragon.Rect {
  const [dx, dy] = [box.width * MARGIN, box.height * MARGIN];
  const [left, top] = [Math.max(0, box.x - dx), Math.max(0, box.y - dy)];
  const [right, bottom] = [Math.min(1, box.x + box.width + dx), Math.min(1, box.y + box.height + dy)];
  return new OpenSeadragon.Rect(left, top * height, right - left, (bottom - top) * height);
}
