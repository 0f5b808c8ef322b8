// Which events are in this byte stream? (text/event-stream, WHATWG HTML 9.2.6; pings are comments.)

export interface StreamEvent {
  readonly name: string;
  readonly data: string;
  readonly id: string;
}

/** One line or one event above this is no chat answer, and memory is not endless. */
const LIMIT = 2_000_000;

/** Feed it bytes as they come, cut anywhere; it calls back once for each whole event. */
export class EventReader {
  // A BOM at the start is dropped and broken UTF-8 becomes U+FFFD, as the standard says.
  #utf8 = new TextDecoder();
  #rest = '';
  #afterCr = false;
  #name = '';
  #data: string[] = [];
  #size = 0;
  #id = '';

  constructor(private readonly emit: (event: StreamEvent) => void) {}

  /** Throws RangeError when a line or event grows beyond any answer. */
  push(bytes: Uint8Array): void {
    let text = this.#utf8.decode(bytes, { stream: true });
    if (!text) return;
    // CR and LF of one line end may come in two pieces.
    if (this.#afterCr && text[0] === '\n') text = text.slice(1);
    this.#afterCr = text.endsWith('\r');
    const lines = (this.#rest + text).split(/\r\n|\r|\n/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
    if (this.#rest.length + this.#size > LIMIT) throw new RangeError('event too large');
  }

  #line(line: string): void {
    if (!line) return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1));
    if (field === 'data') {
      this.#data.push(value);
      this.#size += value.length;
    } else if (field === 'event') this.#name = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
  }

  #dispatch(): void {
    if (this.#data.length) this.emit({ name: this.#name || 'message', data: this.#data.join('\n'), id: this.#id });
    this.#name = '';
    this.#data = [];
    this.#size = 0;
  }
}
