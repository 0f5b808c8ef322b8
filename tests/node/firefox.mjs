// A visit in Debian's Firefox, over WebDriver BiDi, with the keyboard alone: node firefox.mjs PAGE LAUNCHER QUESTION.
// What was seen goes to stdout as JSON; a step that never comes fails.
import puppeteer from 'puppeteer-core';

const [page, launcher, question] = process.argv.slice(2);
const seen = { requests: [], complaints: [] };

// Firefox would ask for an icon by itself, and report that the strict page forbids it.
const extraPrefsFirefox = { 'browser.chrome.site_icons': false };
const browser = await puppeteer.launch({ browser: 'firefox', executablePath: '/usr/bin/firefox-esr', extraPrefsFirefox });
try {
  const tab = await browser.newPage();
  // Firefox's own font of list bullets is a data: address.
  tab.on('request', (request) => request.url().startsWith('http') && seen.requests.push(request.url()));
  tab.on('pageerror', (error) => seen.complaints.push(error.message));
  tab.on('console', (message) => message.type() === 'error' && seen.complaints.push(message.text()));
  await tab.evaluateOnNewDocument(() => {
    window.cspReports = [];
    document.addEventListener('securitypolicyviolation', (e) => window.cspReports.push(`${e.violatedDirective} ${e.blockedURI}`));
    window.shadow = () => document.querySelector('chatkeep-widget')?.shadowRoot;
    window.focused = () => window.shadow()?.activeElement?.ariaLabel ?? window.shadow()?.activeElement?.textContent ?? '';
  });
  // Asked from here: what waits inside the page would need a policy that lets it evaluate strings.
  const until = async (what, ...given) => {
    const end = Date.now() + 30_000;
    while (!(await tab.evaluate(what, ...given))) if (Date.now() > end) throw new Error(`never: ${what}`);
  };

  await tab.goto(page);
  await until((name) => [...(shadow()?.querySelectorAll('button') ?? [])].some((button) => (button.ariaLabel ?? button.textContent).includes(name)), launcher);
  seen.before = [...seen.requests];
  for (let presses = 0; presses < 100 && !(await tab.evaluate(() => focused())).includes(launcher); presses++) await tab.keyboard.press('Tab');
  await tab.keyboard.press('Enter');
  await until(() => shadow().activeElement?.matches('textarea'));
  await tab.keyboard.type(question);
  await tab.keyboard.press('Enter');
  await until(() => shadow().querySelector('.sources a') !== null);
  await until(() => ![...shadow().querySelectorAll('button')].some((button) => (button.ariaLabel ?? button.textContent) === 'Stop'));
  seen.answer = await tab.evaluate(() => [...shadow().querySelectorAll('article')].at(-1).textContent);
  seen.sources = await tab.evaluate(() => [...shadow().querySelectorAll('.sources a')].map((a) => a.href));
  await tab.keyboard.press('Escape');
  await until(() => !document.querySelector('chatkeep-widget').hasAttribute('open'));
  seen.focused = await tab.evaluate(() => focused());
  seen.reports = await tab.evaluate(() => window.cspReports);
  seen.stored = await tab.evaluate(async () => [
    document.cookie,
    ...Object.keys(localStorage),
    ...Object.keys(sessionStorage),
    ...(await indexedDB.databases()).map((one) => one.name),
    ...(await caches.keys()),
  ].join());
} finally {
  await browser.close();
}
process.stdout.write(JSON.stringify(seen));
