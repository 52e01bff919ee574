import http from 'node:http';
import { type Sink, streamSink } from '@tsbuild/oci/internal';
import type { EngineEndpoint } from './endpoint.ts';
import { fieldOf, textOf } from './json-field.ts';

/** What is asked of an engine's images. */
export interface EngineImage {
  /** Of the config with the classic store, of the manifest or index with containerd's. */
  readonly id: string;
  /** DiffIDs, lowest first. */
  readonly layers: readonly string[];
}

/** What an engine calls containerd's store, whatever snapshotter it uses. */
const CONTAINERD_STORE = 'io.containerd.snapshotter.v1';

/** An answer larger than this is no list of images. */
const LARGEST_ANSWER = 64 * 1024 * 1024;

/** A Docker engine by its API (https://docs.docker.com/reference/api/engine/), of any version. */
export class EngineApi {
  readonly #endpoint: EngineEndpoint;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  readonly #signal: AbortSignal;
  readonly #end = (): void => this.#agent.destroy();

  constructor(endpoint: EngineEndpoint, signal: AbortSignal) {
    this.#endpoint = endpoint;
    this.#signal = signal;
    // One listener for all requests: a signal warns of more than ten.
    signal.addEventListener('abort', this.#end, { once: true });
  }

  /** The IDs of all images, the newest first, intermediate ones left out. @throws Error when the engine cannot be asked */
  async imageIDs(): Promise<readonly string[]> {
    const ids = (arrayOf(await this.#get('/images/json')) ?? []).flatMap((item) => textOf(item, 'Id') ?? []);
    return [...new Set(ids)];
  }

  /** Whether the engine keeps images in containerd's store, which takes indexes; undefined when it does not say. */
  async hasContainerdStore(): Promise<boolean | undefined> {
    const info = await this.#get('/info');
    const status = arrayOf(fieldOf(info, 'DriverStatus'));
    if (status === undefined) return info === undefined ? undefined : false;
    return status.some((pair) => Array.isArray(pair) && pair[0] === 'driver-type' && pair[1] === CONTAINERD_STORE);
  }

  /** An image by name or ID. */
  async image(name: string): Promise<EngineImage | undefined> {
    const found = await this.#get(`/images/${encodeURIComponent(name)}/json`);
    const id = textOf(found, 'Id');
    if (id === undefined) return undefined;
    const layers = (arrayOf(fieldOf(fieldOf(found, 'RootFS'), 'Layers')) ?? []).filter(
      (layer) => typeof layer === 'string',
    );
    return { id, layers };
  }

  /**
   * Loads an archive. Returns what the engine said; `failure` when it refused.
   * @throws Error when the connection breaks; whatever `write` throws
   */
  async load(write: (sink: Sink) => Promise<void>): Promise<{ said: string; failure: string | undefined }> {
    const request = this.#request('POST', '/images/load?quiet=1', { 'Content-Type': 'application/x-tar' });
    const answer = answerOf(request);
    // The engine may refuse before it has read everything: then its answer is what counts.
    const gone = new AbortController();
    answer.then(
      () => gone.abort(new Error('the engine has answered')),
      (error: unknown) => gone.abort(error),
    );
    try {
      await write(streamSink(request, AbortSignal.any([this.#signal, gone.signal])));
      request.end();
    } catch (error) {
      this.#signal.throwIfAborted();
      if (!gone.signal.aborted) {
        request.destroy();
        answer.catch(() => undefined);
        throw error;
      }
    }
    const { status, text } = await answer;
    return spoken(status, text);
  }

  close(): void {
    this.#signal.removeEventListener('abort', this.#end);
    this.#end();
  }

  async #get(path: string): Promise<unknown> {
    const request = this.#request('GET', path, {});
    request.end();
    const { status, text } = await answerOf(request);
    return status === 200 ? (JSON.parse(text) as unknown) : undefined;
  }

  #request(method: string, path: string, headers: http.OutgoingHttpHeaders): http.ClientRequest {
    // An engine checks the name against nothing, but wants one. It is none for TLS: to find that out, Node would compile
    // its expression for IPv6 addresses (5 ms).
    const common = { agent: this.#agent, method, path, headers: { Host: 'docker', ...headers }, servername: '' };
    return http.request({ ...this.#endpoint, ...common });
  }
}

async function answerOf(request: http.ClientRequest): Promise<{ status: number; text: string }> {
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    request.on('error', reject);
  });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > LARGEST_ANSWER) throw new Error('the answer of the engine is too long');
  }
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() };
}

/** The engine's answer to a load: JSON values one after the other, or one error. */
function spoken(status: number, text: string): { said: string; failure: string | undefined } {
  let said = '';
  let failure: string | undefined;
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const message = parsed(line);
    said += textOf(message, 'stream') ?? '';
    failure ??= textOf(fieldOf(message, 'errorDetail'), 'message') ?? textOf(message, 'error');
    if (status !== 200) failure ??= textOf(message, 'message') ?? line;
  }
  return { said, failure: status === 200 ? failure : (failure ?? `status ${status}`) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function arrayOf(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}
