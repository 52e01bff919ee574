import { isIP } from 'node:net';
import type { PortMapping } from '@tsbuild/builder';
import { UsageError } from '../host/usage-error.ts';

/** Reads `-p`: `[IP:]HOST:CONTAINER[/tcp|/udp]`, also ranges of equal length. @throws UsageError */
export function parsePublished(texts: readonly string[]): readonly PortMapping[] {
  return texts.flatMap(parsePort);
}

function parsePort(text: string): readonly PortMapping[] {
  const bad = (problem: string): UsageError =>
    new UsageError(`invalid --publish ${JSON.stringify(text)}: ${problem}`, {
      command: 'run',
      hint: 'expected [IP:]HOST:CONTAINER[/tcp|/udp], e.g. -p 8080:80',
    });
  const [, rest = '', protocol = 'tcp'] = /^(.*?)(?:\/([a-z]+))?$/.exec(text) ?? [];
  if (protocol !== 'tcp' && protocol !== 'udp') throw bad(`unknown protocol ${protocol}`);
  const [, ip = '', host = '', container = ''] = /^(?:(\[[^\]]*\]|[^:]*):)?([\d-]+):([\d-]+)$/.exec(rest) ?? [];
  if (container === '') throw bad('expected a port of this machine and a port of the container');
  const address = ip.replace(/^\[(.*)\]$/, '$1');
  if (address !== '' && isIP(address) === 0) throw bad(`${address} is not an address`);
  const [from, to] = [portRange(host), portRange(container)];
  if (from === undefined || to === undefined) throw bad('ports go from 1 to 65535');
  if (from.length !== to.length) throw bad('the ranges have different lengths');
  return from.map((hostPort, i) => ({ protocol, address, hostPort, containerPort: to[i] ?? 0 }));
}

/** Reads `--expose`: `80`, `53/udp`, `8000-8003`, as an image's config has them: `80/tcp`. @throws UsageError in docker's words */
export function parseExposed(texts: readonly string[]): readonly string[] {
  const ports = texts.flatMap((text) => {
    const bad = (what: string): UsageError =>
      new UsageError(`invalid ${what} format for --expose: ${text}`, {
        command: 'run',
        hint: 'expected PORT[-PORT][/tcp|/udp|/sctp]; -p makes a port one of this machine too',
      });
    if (text.includes(':')) throw bad('port');
    const [, range = '', protocol = ''] = /^([^/]*)(?:\/(.*))?$/.exec(text) ?? [];
    const numbers = range === '0' ? [0] : portRange(range);
    const shown = protocol.toLowerCase() || 'tcp';
    if (numbers === undefined || !['tcp', 'udp', 'sctp'].includes(shown)) throw bad('range');
    return numbers.map((port) => `${port}/${shown}`);
  });
  return [...new Set(ports)];
}

function portRange(text: string): readonly number[] | undefined {
  const [, first = '', last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (first === '' || from < 1 || to > 65535 || to < from) return undefined;
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/** As `docker ps` shows them: `80/tcp, 0.0.0.0:8080->90/tcp`. @param exposed ports that the container has, mapped or not */
export function showPorts(ports: readonly PortMapping[], exposed: readonly string[] = []): string {
  const mapped = new Set(ports.map(({ containerPort, protocol }) => `${containerPort}/${protocol}`));
  return [
    ...rangesOf(exposed.filter((port) => !mapped.has(port))),
    ...ports.map((port) => `${port.address || '0.0.0.0'}:${port.hostPort}->${port.containerPort}/${port.protocol}`),
  ].join(', ');
}

/** `80/tcp`, and neighbours as `8000-8003/tcp`. */
function rangesOf(exposed: readonly string[]): readonly string[] {
  const ranges: { first: number; last: number; readonly protocol: string }[] = [];
  const ports = exposed.map((port) => [Number.parseInt(port, 10), port.replace(/^\d*\/?/, '')] as const);
  for (const [port, protocol] of ports.toSorted(([a], [b]) => a - b)) {
    const open = ranges.findLast((range) => range.protocol === protocol);
    if (open?.last === port - 1) open.last = port;
    else ranges.push({ first: port, last: port, protocol });
  }
  return ranges.map(({ first, last, protocol }) => `${first === last ? first : `${first}-${last}`}/${protocol}`);
}
