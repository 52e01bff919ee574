import { createHash } from 'node:crypto';
import type { CheckWarning, PlannedStep, ProgressEvent, ProgressReporter, Transfer } from '@tsbuild/builder';
import { stepTitle } from './plain.ts';
import { sanitizeText } from './sanitize.ts';

/** BuildKit's `client.Vertex`: a step, once for each change of its state. */
interface Vertex {
  readonly digest: string;
  readonly name: string;
  started?: string;
  readonly completed?: string;
  readonly cached?: true;
  readonly error?: string;
}

const EXPORT = 'exporting to image';
const TRANSFERS = { download: '[internal] downloading', upload: 'pushing layers' } as const;
const STREAMS = { stdout: 1, stderr: 2 } as const;
/** BuildKit's level of what a Dockerfile's checks say. */
const WARNING_LEVEL = 1;

/**
 * Progress in the form of `docker buildx build --progress=rawjson`: one `client.SolveStatus` of BuildKit a line, with the
 * members `vertexes`, `statuses`, `logs` and `warnings` (moby/buildkit, client/graph.go). Digests of vertexes name the steps
 * of this build and nothing else. Go writes bytes as base64 and leaves out members that are empty. A failure is the `error`
 * of a vertex; the error itself follows as text, as it does there.
 */
export class RawJsonProgress implements ProgressReporter {
  readonly #write: (text: string) => void;
  readonly #now: () => number;
  readonly #vertexes = new Map<string, Vertex>();
  readonly #transfers = new Map<string, string>();

  constructor(write: (text: string) => void, now: () => number) {
    this.#write = write;
    this.#now = now;
  }

  report(event: ProgressEvent): void {
    switch (event.type) {
      case 'plan-ready':
        return this.#planned(event.steps);
      case 'step-started':
        return this.#change(event.id, { started: time(event.time) });
      case 'step-cached': {
        const now = time(this.#now());
        return this.#change(event.id, { started: now }, { completed: now, cached: true });
      }
      case 'step-output': {
        const { stream, chunk, id } = event;
        const data = Buffer.from(chunk).toString('base64');
        const log = { vertex: digestOf(id), stream: STREAMS[stream], data, timestamp: time(this.#now()) };
        return this.#line({ logs: [log] });
      }
      case 'step-finished':
        return this.#change(event.id, {}, { completed: time(event.time) });
      case 'step-failed': {
        const error = event.canceled === true ? 'context canceled' : event.message;
        return this.#change(event.id, {}, { completed: time(event.time), error });
      }
      case 'transfer':
        return this.#transfer(event);
      case 'check-warning':
        return this.#checked(event);
      case 'notice':
        return this.#noticed(event.level, event.message);
      case 'image-built':
        return this.#built(event.id, event.names);
      default: // BuildKit has no word for the others
    }
  }

  /** A name that the image has got in a registry. */
  pushed({ reference, digest }: { readonly reference: string; readonly digest: string }): void {
    this.#done(EXPORT, [`pushing manifest for ${reference}@${digest}`]);
  }

  #planned(steps: readonly PlannedStep[]): void {
    for (const step of steps) this.#vertexes.set(step.id, { digest: digestOf(step.id), name: stepTitle(step) });
    if (steps.length > 0) this.#line({ vertexes: [...this.#vertexes.values()] });
  }

  /** `lasting` stays with the vertex, `now` is said once. */
  #change(id: string, lasting: Partial<Vertex>, now: Partial<Vertex> = {}): void {
    const vertex = { ...(this.#vertexes.get(id) ?? { digest: digestOf(id), name: id }), ...lasting };
    this.#vertexes.set(id, vertex);
    this.#line({ vertexes: [{ ...vertex, ...now }] });
  }

  #transfer({ kind, id, transferred, total, done }: Transfer): void {
    const vertex = TRANSFERS[kind];
    const now = time(this.#now());
    if (!this.#vertexes.has(vertex)) this.#change(vertex, { started: now });
    const started = this.#transfers.get(`${kind} ${id}`) ?? now;
    this.#transfers.set(`${kind} ${id}`, started);
    const sizes = { ...(total > 0 ? { total } : {}), current: transferred };
    const times = { timestamp: now, started, ...(done ? { completed: now } : {}) };
    this.#line({ statuses: [{ id, vertex: digestOf(vertex), ...sizes, ...times }] });
  }

  #checked({ rule, message, description, url, range, source }: CheckWarning): void {
    const { start, end } = range;
    const warning = {
      vertex: digestOf(EXPORT),
      level: WARNING_LEVEL,
      short: base64(`${rule}: ${message} (line ${start.line})`),
      detail: [base64(description)],
      url,
      sourceInfo: { filename: source.name, data: base64(source.text), language: 'Dockerfile' },
      range: [{ start: { line: start.line }, end: { line: Math.max(end.line, start.line) } }],
    };
    this.#line({ warnings: [warning] });
  }

  #noticed(level: 'info' | 'warning', message: string): void {
    if (level === 'info') return this.#done(`[internal] ${message}`, []);
    this.#line({ warnings: [{ vertex: digestOf(EXPORT), level: WARNING_LEVEL, short: base64(message) }] });
  }

  #built(id: string, names: readonly string[]): void {
    this.#done(EXPORT, [`writing image ${id}`, ...names.map((name) => `naming to ${name}`)]);
  }

  /** A vertex that is over when it is told of, with what was done in it. */
  #done(name: string, ids: readonly string[]): void {
    const now = time(this.#now());
    const vertex = digestOf(name);
    this.#change(name, { started: now });
    const statuses = ids.map((id) => ({ id, vertex, current: 0, timestamp: now, started: now, completed: now }));
    if (statuses.length > 0) this.#line({ statuses });
    this.#change(name, {}, { completed: now });
  }

  #line(status: unknown): void {
    this.#write(`${sanitizeText(JSON.stringify(status))}\n`);
  }
}

function digestOf(id: string): string {
  return `sha256:${createHash('sha256').update(id).digest('hex')}`;
}

/** RFC 3339, as Go writes times. */
function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
