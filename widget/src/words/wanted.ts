// Which languages are wanted, by the page or by the visitor?

/** BCP 47 tags, the most wanted first: the element's, then the widget's; `auto` means the page's, then the visitor's. */
export const wanted = (host: HTMLElement, locale: string): readonly string[] =>
  [host.getAttribute('locale') ?? '', host.lang, ...(locale === 'auto' ? [document.documentElement.lang, ...navigator.languages] : [locale])].filter(Boolean);
