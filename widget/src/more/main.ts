// What can a visitor do besides asking? Everything here is fetched together, at the first need of any of it.
import style from './more.css?inline';

export { Consent } from './consent';
export { copyByCommand } from './copy';
export { Masked } from './masked';
export { Menu } from './menu';
export { Opinion } from './opinion';
export { Editor } from './writing';
export const css: string = style;
