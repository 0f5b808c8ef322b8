// When was it said? The time of day; day and date when somebody points at it.
import { Component, h, type VNode } from 'preact';

interface Props {
  at: Date;
  lang: string;
}

export class Time extends Component<Props> {
  override shouldComponentUpdate({ at, lang }: Props): boolean {
    return at !== this.props.at || lang !== this.props.lang;
  }

  override render({ at, lang }: Props): VNode {
    return (
      <time dateTime={at.toISOString()} title={at.toLocaleString(lang, { dateStyle: 'full', timeStyle: 'short' })}>
        {at.toLocaleTimeString(lang, { timeStyle: 'short' })}
      </time>
    );
  }
}

/** "Sunday, March 1" */
export const dayOf = (at: Date, lang: string): string => at.toLocaleDateString(lang, { weekday: 'long', month: 'long', day: 'numeric' });
