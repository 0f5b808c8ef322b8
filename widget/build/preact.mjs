// What of Preact goes into the panel? No HTML sink, and none of what only others use: hydration, contexts, hooks into Preact, old life cycles.

/** Pieces of Preact's 11.2.0 file, each there exactly once, and what stands in their place. */
const CUTS = [
  // dangerouslySetInnerHTML
  ['h?(l||y&&(h.__html==y.__html||h.__html==t.innerHTML)||(t.innerHTML=h.__html),r.__k=[]):(', '('],
  ['"dangerouslySetInnerHTML"==s?y=k:', ''],
  ['"dangerouslySetInnerHTML"==s?h=k:', ''],
  // taking over what a server drew
  ['128&u.__u&&(c=32&u.__u,s=u.__c.__z)&&(r.__u|=c,p=o=[],8==s.nodeType?l=B(s,o):o.push(s),l=o[0]||l),', ''],
  [/(?<=if\(e\.length=v,r\.__v=null,)c\|\|o\)if\(t&&t\.then\)\{.*?\}else o&&o\.some\(g\);else(?= r\.__e=u\.__e;)/, '1)'],
  ['!u&&(i=t.__c)&&(i=i.__z)&&(f=B(i,o=[]))&&(i==t.__e&&o.some(g),g(f),g(i)),', ''],
  // contexts
  ['j=(s=V.contextType)&&i[s.__c],L=s?j?j.props.value:s.__:i,', 'L=i,'],
  ['j&&j.sub(d),', ''],
  ['d.getChildContext&&(i=_({},i,d.getChildContext())),', ''],
  // life cycles that React gave up
  [',V.getDerivedStateFromProps&&(d.__s==d.state&&(d.__s=_({},d.__s)),_(d.__s,V.getDerivedStateFromProps(M,d.__s)))', ''],
  ['M!==k&&C&&!V.getDerivedStateFromProps&&d.componentWillReceiveProps&&d.componentWillReceiveProps(M,L),', ''],
  ['d.componentWillUpdate&&d.componentWillUpdate(M,d.__s,L),', ''],
  ['C&&!V.getDerivedStateFromProps&&d.componentWillMount&&d.componentWillMount(),', ''],
  // hooks into Preact
  ['return!o&&n.vnode&&n.vnode(e),e', 'return e'],
  ['n.vnode&&n.vnode(r),', ''],
  ['H=n.__r,q=C?25:0;do{d.__g&=-9,H&&H(r),', 'q=C?25:0;do{d.__g&=-9,'],
  ['(s=n.__b)&&s(r);', '0;'],
  ['return(s=n.diffed)&&s(r),l}', 'return l}'],
  ['n.unmount&&n.unmount(t),', ''],
  ['n.__&&n.__(t,r),', ''],
  ['n.__c&&n.__c(r,t),', ''],
  ['l&&(n.__m&&n.__m(r,o),l=!1),', ''],
  ['u(n.event?n.event(r):r)', 'u(r)'],
];

/** What the sources may not use, because it is cut away (test/house.test.ts). */
export const MISSING =
  /\b(createContext|contextType|getChildContext|hydrate|getDerivedStateFromProps|componentWill(Mount|Update|ReceiveProps)|dangerouslySetInnerHTML)\b/;

export function lighterPreact(code) {
  for (const [piece, instead] of CUTS) {
    if (code.split(piece).length !== 2) throw new Error(`Preact changed: cannot find ${piece} once; look at build/preact.mjs`);
    code = code.replace(piece, () => instead);
  }
  return { code, map: null };
}
