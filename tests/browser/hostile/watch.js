// What a page of the hostile tests is watched with: runs before everything else in it.
window.hits = [];
window.cspReports = [];
window.hit = (...given) => window.hits.push(`hit ${given}`);
document.addEventListener('securitypolicyviolation', (e) => window.cspReports.push(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`));

// Everything in the widget that is not of what it may be made of.
window.strayNodes = (isRich) => {
  const list = (text) => new Set(text.split(' '));
  // Of what others wrote: answers and sources.
  const written = list('div p span strong em del code pre blockquote h3 ul ol li br hr table thead tbody tr th td a sup button svg path');
  const attributes = list('class dir start scope tabindex role aria-label aria-hidden href title target rel type id viewBox d');
  if (isRich) {
    for (const name of list('b i u s del ins sub sup small mark kbd samp caption tfoot dl dt dd')) written.add(name);
    for (const name of list('colspan rowspan')) attributes.add(name);
  }
  // Of all the widget.
  const loading = list('script style link meta base iframe frame object embed img image picture video audio source track portal template slot');
  const found = [];
  for (const node of document.querySelector('chatkeep-widget').shadowRoot.querySelectorAll('*')) {
    const at = node.localName;
    const isWritten = node.closest('.text, .sources') && !node.matches('.text, .sources');
    if (loading.has(at) || (isWritten && !written.has(at))) found.push(`<${at}>`);
    for (const { name, value } of node.attributes) {
      const isBad = /^on|^(src|srcset|srcdoc|action|formaction|ping|background|poster|data)$|:/i.test(name);
      if (isBad || (isWritten && !attributes.has(name))) found.push(`<${at} ${name}=${value}>`);
      if (name === 'id' && !/^ck-[a-z0-9-]+$/.test(value)) found.push(`<${at} id=${value}>`);
      if (name === 'class' && !/^[a-z0-9 -]*$/i.test(value)) found.push(`<${at} class=${value}>`);
      if (name === 'style' && /url|expression|import/.test(value)) found.push(`<${at} style=${value}>`);
    }
    if (!isRich && node.matches('.greeting') && node.querySelector('a, strong, em, code')) found.push('markup in the greeting');
    if (node.matches('.said, .suggestion, .chip, h2') && node.querySelector('a, strong, em, code')) found.push(`markup in ${node.className}`);
    if (!node.hasAttribute('href')) continue;
    const safe = /^(https?|mailto|tel):$/.test(node.protocol) && node.rel === 'noopener noreferrer nofollow ugc' && node.target === '_blank';
    if (at !== 'a' || !safe || node.username) found.push(node.outerHTML);
  }
  return found;
};
