// Which drawings does the panel use? SVG nodes, so that no image and no HTML string is needed.
import { h, type VNode } from 'preact';

export const draw = (...paths: string[]) => (): VNode => (
  <svg viewBox="0 0 24 24" class="icon" aria-hidden="true">
    {paths.map((d) => (
      <path d={d} />
    ))}
  </svg>
);

export const Close = draw('M6 6l12 12M18 6L6 18');
export const Down = draw('M12 5v14M6 13l6 6 6-6');
const PEN = 'M16.5 3.8a2.1 2.1 0 0 1 3 3L8 18.3l-4 1 1-4z';
export const Fresh = draw('M12 20h8', PEN);
export const Pencil = draw(PEN);
export const More = draw('M5 12h.01M12 12h.01M19 12h.01');
export const Thumb = draw('M7 11v9H3v-9zM7 11l4-8a3 3 0 0 1 3 3v3h5a2 2 0 0 1 2 2.4l-1.4 7A2 2 0 0 1 17.6 20H7');
export const Send = draw('M12 19V5M5.5 11.5L12 5l6.5 6.5');
export const Copy = draw('M9 9h10v11H9z', 'M5 15V4h10');
export const Check = draw('M5 12.5l4.5 4.5L19 7.5');
export const Again = draw('M20 11a8 8 0 1 0-2.3 6.3', 'M20 5v6h-6');
export const Warning = draw('M12 4l9 16H3z', 'M12 10v4M12 17v.01');
export const Out = draw('M8 6h10v10M18 6L7 17');
export const Offline = draw('M4 4l16 16', 'M5 12.5a10 10 0 0 1 4-2.5M15 10.5a10 10 0 0 1 4 2M8.5 16a5 5 0 0 1 6-.8M12 19.5v.01');
export const Stop = (): VNode => (
  <svg viewBox="0 0 24 24" class="icon solid" aria-hidden="true">
    <rect x="7" y="7" width="10" height="10" rx="2" />
  </svg>
);
const STAR = 'M10.5 4.5c.6 4.3 2.7 6.4 7 7-4.3.6-6.4 2.7-7 7-.6-4.3-2.7-6.4-7-7 4.3-.6 6.4-2.7 7-7z';
/** The assistant: a four-pointed star with a small companion. */
export const Spark = (): VNode => (
  <svg viewBox="0 0 24 24" class="icon solid" aria-hidden="true">
    <path d={STAR} />
    <path d={STAR} transform="translate(14.2 2) scale(.36)" />
  </svg>
);
