// Where may the focus go? On a full-screen panel nowhere else: the page below cannot be seen.

/** The same condition as in the style sheets. */
export const FULL_SCREEN = '(max-width: 480px), (max-height: 480px)';

export const isModal = (): boolean => matchMedia(FULL_SCREEN).matches;

const FOCUSABLE = 'button:not([disabled]), a[href], textarea:not([disabled]), [tabindex="0"]';

export function keepInside(dialog: HTMLElement, event: KeyboardEvent): void {
  const all = [...dialog.querySelectorAll<HTMLElement>(FOCUSABLE)].filter((node) => node.getClientRects().length);
  const [first, last] = [all[0], all.at(-1)];
  const here = (dialog.getRootNode() as ShadowRoot).activeElement;
  const wrap = event.shiftKey ? here === first || here === dialog : here === last;
  if (!wrap) return;
  event.preventDefault();
  (event.shiftKey ? last : first)?.focus();
}
