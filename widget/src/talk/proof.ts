// Who may use this session? Only who holds its key: proof of possession (DPoP, RFC 9449), one proof for each request.
// Stops: a session token that was copied out of the page, and is sent from anywhere else.
import { newKey } from './text';

/** The gateway's clock, as far as it has told us: a visitor's own may be hours off. */
export class Clock {
  #aheadMs = 0;

  /** `serverTime` in seconds since 1970; NaN (not told) changes nothing. */
  correct(serverTime: number): void {
    if (serverTime > 0) this.#aheadMs = serverTime * 1000 - Date.now();
  }

  get seconds(): number {
    return Math.floor((Date.now() + this.#aheadMs) / 1000);
  }
}

/** Base64url without padding. */
const encode = (bytes: ArrayBuffer | Uint8Array): string =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/[+/=]/g, (c) => (c === '+' ? '-' : c === '/' ? '_' : ''));

const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

const part = (value: unknown): string => encode(utf8(JSON.stringify(value)));

/** Signs for one session. Its private key cannot leave WebCrypto, and is gone with this object. */
export class Prover {
  #key: CryptoKey;

  private constructor(
    key: CryptoKey,
    private readonly head: string,
    readonly clock: Clock,
  ) {
    this.#key = key;
  }

  /** Null where the page has no working WebCrypto: the session is then opened unbound, if the widget allows it. */
  static async make(clock: Clock): Promise<Prover | null> {
    try {
      const { privateKey, publicKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
      const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', publicKey);
      return new Prover(privateKey, part({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } }), clock);
    } catch {
      return null;
    }
  }

  /** A proof for one request, with `token` in it when one is sent (RFC 9449, section 4.2). */
  async prove(htm: string, url: string, token = ''): Promise<string> {
    const { origin, pathname } = new URL(url);
    const ath = token ? encode(await crypto.subtle.digest('SHA-256', utf8(token))) : undefined;
    const signed = `${this.head}.${part({ jti: newKey(), htm, htu: origin + pathname, iat: this.clock.seconds, ath })}`;
    // WebCrypto's signature is r and s one after the other, as JWS wants it (RFC 7518, section 3.4).
    const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, this.#key, utf8(signed));
    return `${signed}.${encode(signature)}`;
  }
}
