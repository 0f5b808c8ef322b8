// A real HTTP server that speaks the visitor API as the tests tell it to.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Heard {
  method: string;
  path: string;
  key: string;
  token: string;
  body: Record<string, unknown> | null;
}

type Reply = (response: ServerResponse, request: Heard) => void | Promise<void>;

export interface Gateway {
  url: string;
  heard: Heard[];
  /** Replies in order of use for one route; the last one stays. */
  on(route: string, ...replies: Reply[]): void;
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

export const event = (name: string, data: unknown): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;

export const stream =
  (...events: string[]): Reply =>
  (response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    for (const text of events) response.write(text);
    response.end();
  };

/** A whole answer, in the conversation that was asked for unless another is given. */
export const answer =
  (text: string, conversation?: string): Reply =>
  (response, request) =>
    stream(
      event('start', { message_id: 'msg_1', conversation_id: conversation ?? request.body?.conversation_id }),
      event('sources', [{ index: 1, title: 'Help', url: 'https://shop.example/', excerpt: 'x' }]),
      event('delta', { text }),
      event('done', { usage: { messages_remaining_today: 3 }, finish_reason: 'stop' }),
    )(response, request);

export async function startGateway(): Promise<Gateway> {
  const heard: Heard[] = [];
  const routes = new Map<string, Reply[]>();
  let sessions = 0;
  const opened: Reply = (response, request) =>
    json(201, { session_token: `token-${++sessions}`, expires_in: 900, session_id: 's', conversation_id: `conv_${sessions}` })(response, request);
  routes.set('POST /api/sessions', [opened]);
  routes.set('DELETE /api/sessions/current', [json(200, {})]);

  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    let text = '';
    request.on('data', (piece: Buffer) => (text += piece.toString()));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const body = text ? (JSON.parse(text) as Record<string, unknown>) : null;
      const token = (headers.authorization ?? '').replace('Bearer ', '');
      const one = { method, path: url, key: String(headers['idempotency-key'] ?? ''), token, body };
      heard.push(one);
      const replies = routes.get(`${method} ${url}`) ?? [refuse(404, 'not_found')];
      void (replies.length > 1 ? replies.shift()! : replies[0]!)(response, one);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    on: (route, ...replies) => void routes.set(route, replies),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
