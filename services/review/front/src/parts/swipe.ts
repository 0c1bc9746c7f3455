/** Swipes on a touch screen: left and right answer, and undo takes back. */
const FAR_PX = 80;

/** Handlers of an element that is swiped; scrolling up and down stays possible. */
export function swipes(onLeft: () => void, onRight: () => void): {
  onTouchStart: (event: TouchEvent) => void;
  onTouchEnd: (event: TouchEvent) => void;
} {
  let start: Touch | null = null;
  return {
    onTouchStart(event) {
      start = event.touches.length === 1 ? (event.touches[0] ?? null) : null;
    },
    onTouchEnd(event) {
      const end = event.changedTouches[0];
      if (!start || !end) return;
      const [dx, dy] = [end.clientX - start.clientX, end.clientY - start.clientY];
      start = null;
      if (Math.abs(dx) < FAR_PX || Math.abs(dx) < 2 * Math.abs(dy)) return;
      if (dx < 0) onLeft();
      else onRight();
    },
  };
}
