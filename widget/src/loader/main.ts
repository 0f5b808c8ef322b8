// Entry of loader.js: define the element, and put one on the page when the script tag names a widget.
import type { Options } from '../contract/page';
import { script } from './gateway';
import { init, register } from './register';

register();
if (script?.dataset.widgetId) init({ ...script.dataset } as unknown as Options);
