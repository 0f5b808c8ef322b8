// Which Markdown is in this text? marked's lexer, and only its lexer: no HTML string is ever made.
import { Lexer, Tokenizer, type Token, type TokensList } from 'marked';

/**
 * CommonMark with GitHub's tables and bare links, minus three things:
 * raw HTML is plain text, `[1]: https://…` defines nothing (a definition could turn our `[1]` into another link),
 * and a line below a text is a line: models mean no heading by it, and what was read would grow when the line arrives.
 */
class PlainTokenizer extends Tokenizer {
  override html(): undefined {}
  override tag(): undefined {}
  override def(): undefined {}
  override lheading(): undefined {}
}

/** Lists in quotes in lists: beyond this it is not written for people, and recursion has to end. */
export const DEPTH = 12;

/** Marks in one paragraph, item or cell. Finding the ends of emphasis takes the square of their number. */
const MARKS = 500;

/** What could be a mail address, for so long, is none; finding out takes the square of its length. */
const ENDLESS = /[\w.!#$%&'*+/=?^`{|}~-]{1000}/;

/** What would take the square of its length, or the whole stack, is plain text. */
class BoundedLexer extends Lexer {
  #depth = 0;

  override blockTokens(src: string, tokens: Token[] = [], clipped?: boolean): TokensList {
    if (this.#depth > DEPTH) plain(src, tokens);
    else {
      this.#depth++;
      super.blockTokens(src, tokens, clipped);
      this.#depth--;
    }
    return tokens as TokensList;
  }

  override inlineTokens(src: string, tokens: Token[] = []): Token[] {
    return (src.match(/[!*_[`~]/g)?.length ?? 0) > MARKS || ENDLESS.test(src) ? plain(src, tokens) : super.inlineTokens(src, tokens);
  }
}

function plain(text: string, tokens: Token[]): Token[] {
  tokens.push({ type: 'text', raw: text, text });
  return tokens;
}

export function lex(text: string): Token[] {
  try {
    return new BoundedLexer({ gfm: true, tokenizer: new PlainTokenizer() }).lex(text);
  } catch {
    // A text that breaks the parser is still an answer.
    return [{ type: 'paragraph', raw: text, text, tokens: plain(text, []) }];
  }
}
