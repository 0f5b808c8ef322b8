// A real HTTP server that speaks the visitor API as the tests tell it to, and lets no wrong proof through.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { faultOf, openProof, type Proof } from './proofs';

export interface Heard {
  method: string;
  path: string;
  key: string;
  token: string;
  accept: string;
  lastEventId: string | undefined;
  proof: Proof | null;
  body: Record<string, unknown> | null;
}

export type Reply = (response: ServerResponse, request: Heard) => void | Promise<void>;

export interface Gateway {
  url: string;
  heard: Heard[];
  /** What was wrong with the proofs that were refused. */
  faults: string[];
  /** How far its clock is ahead of the visitor's. */
  aheadSeconds: number;
  /** How many proofs are refused whatever they say. */
  suspicious: number;
  /** Replies in order of use for one route; the last one stays. */
  on(route: string, ...replies: Reply[]): void;
  /** Resolves with the next request of that route, which gets an empty 200. */
  arrival(route: string): Promise<void>;
  close(): Promise<void>;
}

export const refuse =
  (status: number, error: string, more: Record<string, unknown> = {}): Reply =>
  (response) => {
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ success: false, error, message: 'no', request_id: 'req_1', ...more }));
  };

export const json =
  (status: number, body: unknown): Reply =>
  (response) => {
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };

export const hangUp: Reply = (response) => void response.destroy();

export const event = (name: string, data: unknown, id?: number): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;

export const stream =
  (...events: string[]): Reply =>
  (response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    for (const text of events) response.write(text);
    response.end();
  };

/** A whole answer, in the conversation that was asked for unless another is given. */
export const answer =
  (text: string, conversation?: string, id = 'msg_1'): Reply =>
  (response, request) =>
    stream(
      event('start', { message_id: id, conversation_id: conversation ?? request.body?.conversation_id }),
      event('sources', [{ index: 1, title: 'Help', url: 'https://shop.example/', excerpt: 'x' }]),
      event('delta', { text }),
      event('done', { usage: { messages_remaining_today: 3 }, finish_reason: 'stop' }),
    )(response, request);

export async function startGateway(): Promise<Gateway> {
  let gateway: Gateway;
  const heard: Heard[] = [];
  const routes = new Map<string, Reply[]>();
  const used = new Set<string>();
  let sessions = 0;
  const now = (): number => Math.floor(Date.now() / 1000) + gateway.aheadSeconds;
  const opened: Reply = (response, request) =>
    json(201, {
      session_token: `token-${++sessions}`,
      expires_in: 900,
      session_id: 's',
      conversation_id: `conv_${sessions}`,
      server_time: now(),
    })(response, request);
  routes.set('POST /api/sessions', [opened]);
  routes.set('DELETE /api/sessions/current', [json(200, {})]);

  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    let text = '';
    request.on('data', (piece: Buffer) => (text += piece.toString()));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const body = text ? (JSON.parse(text) as Record<string, unknown>) : null;
      const token = (headers.authorization ?? '').replace('Bearer ', '');
      const sent = headers['dpop'] as string | undefined;
      const proof = sent === undefined ? null : openProof(sent);
      const one: Heard = {
        method,
        path: url,
        key: String(headers['idempotency-key'] ?? ''),
        token,
        accept: headers.accept ?? '',
        lastEventId: headers['last-event-id'] as string | undefined,
        proof,
        body,
      };
      heard.push(one);
      if (proof) {
        let fault = faultOf(proof, method, gateway.url + url, token, now());
        if (used.has(proof.claims.jti)) fault = 'replayed';
        used.add(proof.claims.jti);
        if (gateway.suspicious > 0 && gateway.suspicious--) fault = 'suspicious';
        if (fault) {
          gateway.faults.push(fault);
          return void refuse(401, 'invalid_proof', { server_time: now() })(response, one);
        }
      }
      const replies = routes.get(`${method} ${url}`) ?? [refuse(404, 'not_found')];
      void (replies.length > 1 ? replies.shift()! : replies[0]!)(response, one);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  gateway = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    faults: [],
    aheadSeconds: 0,
    suspicious: 0,
    on: (route, ...replies) => void routes.set(route, replies),
    arrival: (route) =>
      new Promise((resolve) => gateway.on(route, (response, request) => resolve(json(200, {})(response, request) as undefined))),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return gateway;
}
