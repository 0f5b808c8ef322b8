// Entry of loader.js: define the element, and put one on the page when the script tag names a widget.
import { script } from './gateway';
import { place, register } from './register';

const widgetId = script?.dataset.widgetId;

register();
if (widgetId) {
  // An async script in the head can run before there is a body.
  if (document.body) place(widgetId);
  else document.addEventListener('DOMContentLoaded', () => place(widgetId), { once: true });
}
