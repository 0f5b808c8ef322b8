// How much of the screen does the on-screen keyboard leave? The full-screen panel is exactly that high.

export function followKeyboard(panel: HTMLElement, life: AbortSignal): void {
  const view = window.visualViewport;
  if (!view) return;
  const fit = () => {
    // Pinch-zoomed pages move the viewport too, but there the visitor wants to see a part, not all.
    if (view.scale > 1.01) return;
    panel.style.setProperty('--vh', `${view.height}px`);
    panel.style.setProperty('--vt', `${view.offsetTop}px`);
  };
  fit();
  view.addEventListener('resize', fit, { signal: life });
  view.addEventListener('scroll', fit, { signal: life });
}
