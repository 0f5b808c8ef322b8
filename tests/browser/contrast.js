// What can be read? Every text, icon, border and focus ring of the widget against every colour that may be below it.
() => {
  const root = document.querySelector('chatkeep-widget').shadowRoot;
  const parse = (text) => {
    const [r, g, b, a = 1] = text.match(/[\d.]+%?/g).map(Number);
    return text.startsWith('color(') ? [r * 255, g * 255, b * 255, a] : [r, g, b, a];
  };
  const over = ([r, g, b, a], below) => [r, g, b].map((v, i) => v * a + below[i] * (1 - a));
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  // Whatever page is behind: black, white, and by them all between.
  const PAGES = [[0, 0, 0], [255, 255, 255]];
  const COLOUR = /(?:rgba?|color)\([^)]*\)/g;
  const unique = (list) => [...new Map(list.map((one) => [one.map(Math.round).join(), one])).values()];

  function groundsOf(element) {
    const above = [];
    for (let one = element; one && one !== root; one = one.parentElement) above.unshift(one);
    let grounds = PAGES;
    for (const one of above) {
      const style = getComputedStyle(one);
      grounds = grounds.map((below) => over(parse(style.backgroundColor), below));
      // The last image is painted first. A stop, nothing of it, and all its stops over each other.
      for (const image of style.backgroundImage.split(/,\s*(?=\w+-gradient)/).reverse()) {
        const stops = image.match(COLOUR);
        if (stops) grounds = unique(grounds.flatMap((below) => stops.map((stop) => over(parse(stop), below))));
      }
    }
    return grounds;
  }

  const found = [];
  let seen = 0;
  function judge(kind, element, colour, wanted, grounds) {
    seen += 1;
    const ratio = Math.min(...grounds.map((below) => contrast(over(parse(colour), below), below)));
    if (ratio < wanted) found.push(`${kind} .${element.getAttribute('class')}: ${colour} ${ratio.toFixed(2)} of ${wanted}`);
  }
  const visible = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getBoundingClientRect().width > 2;

  for (const element of root.querySelectorAll('*')) {
    if (!visible(element)) continue;
    const style = getComputedStyle(element);
    if ([...element.childNodes].some((child) => child.nodeType === 3 && child.data.trim())) judge('text', element, style.color, 4.5, groundsOf(element));
    if (element.placeholder) judge('placeholder', element, getComputedStyle(element, '::placeholder').color, 4.5, groundsOf(element));
    if (element.localName === 'svg') judge('icon', element, style.color, 3, groundsOf(element.parentElement));
    if (element.classList.contains('composer')) judge('border', element, style.borderTopColor, 3, groundsOf(element.parentElement));
  }
  const held = root.activeElement;
  if (held && held.matches('.panel :focus-visible')) {
    const ring = getComputedStyle(held);
    if (ring.outlineStyle !== 'none') judge('ring', held, ring.outlineColor, 3, groundsOf(held.parentElement));
  }
  return { found, seen };
}
