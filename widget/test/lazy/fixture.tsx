// A lazy file for the test of how they are built: uses what the panel shares.
import { Component, h } from 'preact';
import { Failed, trouble } from '../../src/talk/trouble';

export class View extends Component {
  override render() {
    return <b>here</b>;
  }
}

export const fail = (): never => {
  throw new Failed(trouble('cut'));
};
