import type { Answered, Asked, Requests } from '../data/messages.ts';
import { Explorer } from './explorer.ts';

/*
 * The thread that holds the files: it decodes them, sums, sorts and searches, so that the page never waits. The page asks for
 * windows of rows.
 */
let explorer: Explorer | undefined;

self.addEventListener('message', (event: MessageEvent<Asked>) => void answer(event.data));

async function answer({ number, name, ask }: Asked): Promise<void> {
  try {
    const reply = name === 'load' ? await load(ask as Requests['load']['ask']) : replyTo(name, ask);
    send({ number, reply });
  } catch (error) {
    send({ number, fault: error instanceof Error ? error.message : String(error) });
  }
}

function replyTo(name: Exclude<Asked['name'], 'load'>, ask: Asked['ask']): unknown {
  if (explorer === undefined) throw new Error('the files are not loaded yet');
  return (explorer[name] as (ask: unknown) => unknown)(ask);
}

async function load({ base64, own }: Requests['load']['ask']): Promise<Requests['load']['reply']> {
  const packed = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  const columns = new Uint8Array(await new Response(stream).arrayBuffer());
  explorer = new Explorer(columns, own);
  return { entries: explorer.entries.count, nodes: explorer.tree.count };
}

function send(answered: Answered): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has one listener, its page
  (self as unknown as { postMessage(message: Answered): void }).postMessage(answered);
}
