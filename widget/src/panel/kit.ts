// What do lazy files share with the panel? They hold everything else themselves; build/kit.mjs reads these imports.
import { Component, Fragment, h } from 'preact';
import { kept } from './kept';
import { newExchange } from '../talk/exchange';
import { Failed, trouble } from '../talk/trouble';
import { call } from '../talk/wire';
import { errorText } from '../words/errors';

export const kit = { Component, Failed, Fragment, call, errorText, h, kept, newExchange, trouble };
