// Does the visitor agree to what the owner says about it? Asked before the first message, where the owner wants that.
import { h, type VNode } from 'preact';
import type { Consent as Notice } from '../contract/config';
import { OUT, target } from '../markdown/links';
import { enLazy, type Words } from '../words/en';

interface Props {
  notice: Notice;
  /** The visitor has said no; they can think again. */
  declined: boolean;
  words: Words;
  onAnswer(agrees: boolean): void;
}

export const Consent = ({ notice, declined, words, onAnswer }: Props): VNode => {
  const say = { ...enLazy, ...words };
  const more = target(notice.link);
  return (
    <div class="consent" role="group" aria-labelledby="ck-consent">
      <p id="ck-consent" dir="auto">
        {declined ? say.declined : notice.text || say.consent}{' '}
        {more && (
          <a href={more.href} {...OUT}>
            {more.place}
            <span class="unseen"> ({say.newTab})</span>
          </a>
        )}
      </p>
      <p class="acts">
        {!declined && (
          <button type="button" class="link" onClick={() => onAnswer(false)}>
            {say.decline}
          </button>
        )}
        <button type="button" class="main" onClick={() => onAnswer(true)}>
          {say.accept}
        </button>
      </p>
    </div>
  );
};
