// Whose questions are these? What a page says of its visitor, late, twice, or never.
import { beforeEach, describe, expect, test } from 'vitest';
import type { Credentials } from '../src/contract/page';
import { newExchange, type Exchange, type Item } from '../src/talk/exchange';
import { Visitor } from '../src/talk/visitor';

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const token = (sub: string, jti = '1'): string => `${encode({ alg: 'HS256' })}.${encode({ sub, jti })}.c2ln`;

interface Named {
  (): Promise<string>;
  say(identity: string): Promise<void>;
  readonly calls: number;
}

/** A page's function that answers when the test says so. */
function slow(): Named {
  const waiting: ((identity: string) => void)[] = [];
  let calls = 0;
  const ask = (): Promise<string> => {
    calls++;
    return new Promise((resolve) => waiting.push(resolve));
  };
  const say = async (identity: string): Promise<void> => {
    waiting.splice(0).forEach((tell) => tell(identity));
    await turn();
  };
  return Object.defineProperty(Object.assign(ask, { say }), 'calls', { get: () => calls }) as unknown as Named;
}

/** Everything that follows at once has followed. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

let credentials: Credentials;
let chat: { items: Item[]; running: Exchange | null };
let heard: string[];

function visitor(identified = true): Visitor {
  return new Visitor(credentials, identified, chat, () => heard.push('named'), (question) => heard.push(`changed ${question}`.trim()));
}

function ask(question: string): Exchange {
  const exchange = newExchange(question);
  chat.items = [...chat.items, exchange];
  chat.running = exchange;
  return exchange;
}

beforeEach(() => {
  credentials = {};
  chat = { items: [], running: null };
  heard = [];
});

describe('who is there', () => {
  test('the same person with another token changes nothing, another one and nobody do', async () => {
    credentials.identity = token('alice');
    const one = visitor();
    for (const identity of [token('alice', '2'), token('bob'), null]) {
      credentials.identity = identity;
      one.identify();
      await turn();
    }
    expect(heard).toEqual(['changed', 'changed']);
  });

  test('whoever is named first has asked what was asked before', async () => {
    const one = visitor();
    ask('Hello');
    credentials.identity = token('alice');
    one.identify();
    await turn();
    expect(heard).toEqual(['named']);
  });

  test('where sessions belong to nobody, the first name is somebody else as well', async () => {
    const one = visitor(false);
    ask('Hello');
    credentials.identity = token('alice');
    one.identify();
    await turn();
    expect(heard).toEqual(['changed']);
  });

  test('what was asked before the page spoke of somebody else is not asked again in their name', async () => {
    credentials.identity = token('alice');
    const one = visitor();
    const failed = ask("Alice's question");
    chat.running = null;
    const names = slow();
    credentials.identity = names;
    one.identify();
    // Tried again meanwhile.
    chat.running = failed;
    await turn();
    await names.say(token('bob'));
    expect(heard).toEqual(['changed']);
  });

  test('what an earlier page was being told is not asked again in their name', async () => {
    credentials.identity = token('alice');
    const one = visitor();
    const names = slow();
    credentials.identity = names;
    one.identify();
    Object.assign(ask("Alice's question"), { isEarlier: true });
    await turn();
    await names.say(token('bob'));
    expect(heard).toEqual(['changed']);
  });

  test('what was asked since is theirs, however often the page speaks in between', async () => {
    credentials.identity = token('alice');
    const one = visitor();
    const names = slow();
    credentials.identity = names;
    one.identify();
    ask('Hello');
    one.identify();
    let isSettled = false;
    void one.settled!.then(() => (isSettled = true));
    await turn();
    expect([isSettled, heard]).toEqual([false, []]);
    await names.say(token('bob'));
    expect([isSettled, heard]).toEqual([true, ['changed Hello']]);
  });

  test('of one function that is given twice, the newer answer counts', async () => {
    credentials.identity = token('alice');
    const one = visitor();
    const answers: ((identity: string) => void)[] = [];
    credentials.identity = () => new Promise((resolve) => answers.push(resolve));
    one.identify();
    one.identify();
    ask('Hello');
    await turn();
    answers[0]!(token('alice'));
    await turn();
    expect(heard).toEqual([]);
    answers[1]!(token('bob'));
    await turn();
    expect(heard).toEqual(['changed Hello']);
  });
});

describe('what a session opens with', () => {
  test('is of whoever was named last, also when the page was slow about the one before', async () => {
    const names = slow();
    credentials.identity = names;
    const one = visitor();
    const taken = one.take();
    await turn();
    credentials.identity = token('bob');
    one.identify();
    await names.say(token('alice'));
    expect((await taken).identity).toBe(token('bob'));
  });

  test('is nobody after a logout, whatever a function says late', async () => {
    const names = slow();
    credentials.identity = names;
    const one = visitor();
    const taken = one.take();
    await turn();
    credentials.identity = null;
    one.identify();
    await names.say(token('alice'));
    expect((await taken).identity).toBeUndefined();
  });

  test('is asked for once by a question that waits to know who is there', async () => {
    const names = slow();
    credentials.identity = names;
    const one = visitor();
    one.identify();
    ask('Hello');
    await turn();
    await names.say(token('alice'));
    expect((await one.take()).identity).toBe(token('alice'));
    expect(names.calls).toBe(1);
  });

  test('is asked for anew when nothing waited: it may have been made for a minute', async () => {
    const names = slow();
    credentials.identity = names;
    const one = visitor();
    one.identify();
    await turn();
    await names.say(token('alice'));
    const taken = one.take();
    await turn();
    await names.say(token('alice', '2'));
    expect((await taken).identity).toBe(token('alice', '2'));
  });

  test('is asked for once more where each call names somebody else, and not for ever', async () => {
    let calls = 0;
    credentials.identity = () => token(`guest-${++calls}`);
    const one = visitor();
    await one.take();
    ask('Hello');
    const second = await one.take();
    expect(heard).toEqual(['named', 'changed Hello']);
    // What is asked anew in their name opens with the same.
    expect(await one.take()).toEqual(second);
    expect([calls, heard.length]).toEqual([2, 2]);
  });

  test('of somebody else takes no question along that was sent again', async () => {
    let now = token('alice');
    credentials.identity = () => now;
    const one = visitor();
    await one.take();
    ask("Alice's question").isRepeated = true;
    now = token('bob');
    await one.take();
    expect(heard).toEqual(['named', 'changed']);
  });

  test('is asked for anew after an answer was running that needed none', async () => {
    const names = slow();
    credentials.identity = token('alice');
    const one = visitor();
    ask('Hello');
    credentials.identity = names;
    one.identify();
    await turn();
    await names.say(token('alice'));
    void one.take();
    await turn();
    expect(names.calls).toBe(2);
  });

  test('of somebody else than the last time, nothing of the one before stays', async () => {
    let now = token('alice');
    credentials.identity = () => now;
    const one = visitor();
    await one.take();
    now = token('bob');
    await one.take();
    expect(heard).toEqual(['named', 'changed']);
  });
});
