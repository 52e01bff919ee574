import { maskedText, maskedValue } from '@tsbuild/builder';
import type { HistoryEntry, Image, ImageConfig } from '@tsbuild/oci/node';
import type { PageConfig } from './page-data.ts';

type Pairs = PageConfig['env'];

/** How containers of an image start, and its history. What looks like a secret is masked, wherever it stands. */
export function pageConfig({ config, rawConfig }: Pick<Image, 'config' | 'rawConfig'>): PageConfig {
  const { config: container = {}, history = [] } = config;
  return {
    fields: fieldsOf(config),
    env: (container.Env ?? []).map(pairOf),
    labels: Object.entries(container.Labels ?? {}).map(([name, value]) => ({ name, value: maskedValue(name, value) })),
    history: historyOf(history),
    raw: JSON.stringify(masked(JSON.parse(Buffer.from(rawConfig).toString())), undefined, 2),
  };
}

function pairOf(text: string): Pairs[number] {
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  return { name, value: equals < 0 ? '' : maskedValue(name, text.slice(equals + 1)) };
}

function fieldsOf({ author, config: container = {} }: ImageConfig): Pairs {
  const { Entrypoint, Cmd, User, WorkingDir, ExposedPorts, Volumes, StopSignal, Healthcheck, Shell, OnBuild } =
    container;
  const words = (list: readonly string[] | undefined): string | undefined =>
    list === undefined || list.length === 0 ? undefined : JSON.stringify(list);
  const names = (set: object | undefined): string | undefined =>
    set === undefined ? undefined : Object.keys(set).join(', ');
  const all = [
    ['Entry point', words(Entrypoint)],
    ['Command', words(Cmd)],
    ['User', User],
    ['Working directory', WorkingDir],
    ['Ports', names(ExposedPorts)],
    ['Volumes', names(Volumes)],
    ['Stop signal', StopSignal],
    ['Health check', words(Healthcheck?.Test)],
    ['Shell', words(Shell)],
    ['For builds on top', words(OnBuild)],
    ['Author', author],
  ] as const;
  return all.flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [{ name, value: maskedText(value) }],
  );
}

/** Rows that made a layer are the layers, one to one. */
function historyOf(history: readonly HistoryEntry[]): PageConfig['history'] {
  let layers = 0;
  return history.map(({ created, created_by: text = '', empty_layer: isEmpty = false }) => ({
    ...(created !== undefined && { created }),
    instruction: maskedText(text),
    ...(isEmpty ? {} : { layer: layers++ }),
  }));
}

/** The document with every text masked; of `NAME=value` and of members, the name decides, too. */
function masked(value: unknown, name = ''): unknown {
  if (typeof value === 'string') return /^\w+=/s.test(value) ? maskedPair(value) : maskedValue(name, value);
  if (Array.isArray(value)) return value.map((item) => masked(item, name));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([member, item]) => [member, masked(item, member)]));
}

function maskedPair(text: string): string {
  const { name, value } = pairOf(text);
  return `${name}=${value}`;
}
