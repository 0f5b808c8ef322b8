// What of Preact goes into the panel? No HTML sink, and none of what only others use: hydration, contexts, portals, error boundaries, hooks into Preact, old life cycles.

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
  ['&&i==n.debounceRendering||((i=n.debounceRendering)||queueMicrotask)(H)', '||queueMicrotask(H)'],
  ['(i||queueMicrotask)(H)', 'queueMicrotask(H)'],
  // more of taking over: nodes that are there before they are drawn
  ['32&u.__u?[i]:null', 'null'],
  [',32&u.__u,o)', ',0,o)'],
  ['(u=t&&32&t.__u)?null:r.__k', 'r.__k'],
  ['i?null:r.firstChild?d.call(r.childNodes):null', 'null'],
  ['i?i.__e:r.firstChild', 'i?i.__e:null'],
  ['9==r.nodeType&&(r=r.documentElement),', ''],
  [/if\("svg"==C\?.*?break\}(?=if\(!t\))/, '"svg"==C?f="http://www.w3.org/2000/svg":f||(f="http://www.w3.org/1999/xhtml");'],
  [/if\(a="template"==C.*?k\.value;(?=for\(s in \$\))/, 'a=t;'],
  ['l&&"function"!=typeof k||', ''],
  ['o?o[0]:u.__k&&S(u,0)', 'u.__k&&S(u,0)'],
  [',o&&o.some(g)),l&&"textarea"!=C||(', '),('],
  ['y&&(t.textContent=""),', ''],
  ['l&&t.data==x||', ''],
  [/(?<=o=n\.__e),e=t;e&&8==e\.nodeType;\)e=e\.nextSibling;for\(o!=e&&\(.*?\),t=o;.*?;\);return t(?=\})/, ';o!=t&&r.insertBefore(o,t||null),t=o;)return t.nextSibling'],
  // portals
  ['"function"!=typeof n.type||n.props.__P?', '"function"!=typeof n.type?'],
  ['n.__c&&!n.props.__P', 'n.__c'],
  ['if(n.props.__P)return t;', ''],
  [/M\.__P&&\(s=l,.*?:null\),/, ''],
  ['M.__P&&(r.__e=null,l=s),', ''],
  ['||u&&!t.props.__P', ''],
  // error boundaries and suspense
  [/for\(var i,o,e;t=t\.__;\).*?catch\(t\)\{n=t\}\}(?=throw f=0)/, ''],
  ['t&&t.then||D(r)', 'D(r)'],
  // attributes, elements and references of a kind that the panel has not
  [/if\("style"==t\)if.*?else (?=if\("o"==t\[0\])/, ''],
  [',f=t!=(t=t.replace(l,"$1"))', ''],
  ['n.addEventListener(t,o,f):n.removeEventListener(t,o,f)', 'n.addEventListener(t,o):n.removeEventListener(t,o)'],
  ['l=/(PointerCapture)$|Capture$/i,', ''],
  ['==i)t=t.replace(/xlink(H|:h)/,"h").replace(/sName$/,"s");else if(', '!=i&&'],
  ['"list"!=t&&"form"!=t&&', ''],
  ['"download"!=t&&', ''],
  ['&&"popover"!=t&&t in n)', '&&t in n)'],
  ['"popover"==t&&1==r?"":r', 'r'],
  ['("foreignObject"==C||"http://www.w3.org/1998/Math/MathML"==f&&v.test(C))&&(f="http://www.w3.org/1999/xhtml"),', ''],
  [',x.is?x:a)', ')'],
  ['||"value"==s&&"defaultValue"in x||"checked"==s&&"defaultChecked"in x', ''],
  ['"checked"==s?m=k:', ''],
  [',s="checked",null!=m&&m!=t[s]&&N(t,s,m,$[s],f)', ''],
  ['"progress"==C&&null==b?t.removeAttribute(s):', ''],
  ['b===t[s]&&("progress"!=C||b)||', 'b===t[s]||'],
  ['"function"==typeof n&&(n=n(_({},r),this.props)),', ''],
  [':t.current=r', ':0'],
  ['||i.current&&i.current!=t.__e||', '||'],
];

/** What the sources may not use, because it is cut away (test/house.test.ts). */
export const MISSING =
  /\b(create(Context|Portal|Ref)|contextType|getChildContext|hydrate|getDerivedStateFrom\w+|componentWill(Mount|Update|ReceiveProps)|componentDidCatch|dangerouslySetInnerHTML|default(Value|Checked)|on\w+Capture)\b|<(progress|template|foreignObject|math)\b| style=\{|setState\(\(/;

export function lighterPreact(code) {
  for (const [piece, instead] of CUTS) {
    if (code.split(piece).length !== 2) throw new Error(`Preact changed: cannot find ${piece} once; look at build/preact.mjs`);
    code = code.replace(piece, () => instead);
  }
  return { code, map: null };
}
