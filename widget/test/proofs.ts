// Is a proof of possession right for the request that carries it? Checked with node:crypto, as RFC 9449 (section 4.3) says.
import { createHash, createPublicKey, verify, type JsonWebKey } from 'node:crypto';

export interface Proof {
  header: { typ: string; alg: string; jwk: JsonWebKey };
  claims: { jti: string; htm: string; htu: string; iat: number; ath?: string };
  /** RFC 7638, of the key. */
  thumbprint: string;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url');
const decode = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());

/** Form and signature; throws with the reason. */
export function openProof(text: string): Proof {
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)) throw new Error('no compact JWS');
  const [head, body, signature] = text.split('.') as [string, string, string];
  const header = decode(head) as Proof['header'];
  const claims = decode(body) as Proof['claims'];
  const { jwk } = header;
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  const signed = Buffer.from(`${head}.${body}`);
  if (!verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'))) throw new Error('signature');
  const thumbprint = sha256(JSON.stringify({ crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y }));
  return { header, claims, thumbprint };
}

/** What is wrong with the proof for this request, in a word; empty when nothing is. `now` in seconds. */
export function faultOf({ header, claims }: Proof, method: string, url: string, token: string, now: number): string {
  if (JSON.stringify(Object.keys(header)) !== '["typ","alg","jwk"]' || header.typ !== 'dpop+jwt' || header.alg !== 'ES256') return 'header';
  if (JSON.stringify(Object.keys(header.jwk)) !== '["kty","crv","x","y"]' || header.jwk.crv !== 'P-256') return 'jwk';
  if (claims.htm !== method) return 'htm';
  if (claims.htu !== url.split('?')[0]) return 'htu';
  if (claims.ath !== (token ? sha256(token) : undefined)) return 'ath';
  if (!Number.isInteger(claims.iat) || Math.abs(claims.iat - now) > 60) return 'iat';
  return /^[\da-f-]{36}$/.test(claims.jti) ? '' : 'jti';
}
