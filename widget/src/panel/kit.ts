// What do lazy files share with the panel? They hold everything else themselves; build/kit.mjs reads these imports.
import { Component, Fragment, h } from 'preact';
import { kept } from './kept';
import { newExchange } from '../talk/exchange';
import { Failed, trouble } from '../talk/trouble';

export const kit = { Component, Failed, Fragment, h, kept, newExchange, trouble };
