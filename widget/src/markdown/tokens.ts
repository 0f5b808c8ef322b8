// Which Markdown is in this text? marked's lexer, and only its lexer: no HTML string is ever made.
import { Lexer, Tokenizer, type Token } from 'marked';

/**
 * CommonMark with GitHub's tables and bare links, minus two things:
 * raw HTML is plain text, and `[1]: https://…` defines nothing (a definition could turn our `[1]` into another link).
 */
class PlainTokenizer extends Tokenizer {
  override html(): undefined {}
  override tag(): undefined {}
  override def(): undefined {}
}

/** Deeper quotes than anybody writes would cost quadratic time. */
const DEEP_QUOTE = /^((?:[ \t]{0,3}>){8})[ \t>]+/gm;

export function lex(text: string): Token[] {
  try {
    return new Lexer({ gfm: true, tokenizer: new PlainTokenizer() }).lex(text.replace(DEEP_QUOTE, '$1 '));
  } catch {
    // A text that breaks the parser (nesting beyond the stack) is still an answer.
    return [{ type: 'paragraph', raw: text, text, tokens: [{ type: 'text', raw: text, text }] }];
  }
}
