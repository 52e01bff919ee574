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
  if (protocol !== 'tcp' && protocol !== 'udp') throw bad(`no protocol ${protocol}`);
  const [, ip = '', host = '', container = ''] = /^(?:(\[[^\]]*\]|[^:]*):)?([\d-]+):([\d-]+)$/.exec(rest) ?? [];
  if (container === '') throw bad('a port of this machine and one of the container');
  const address = ip.replace(/^\[(.*)\]$/, '$1');
  if (address !== '' && isIP(address) === 0) throw bad(`${address} is no address`);
  const [from, to] = [portRange(host), portRange(container)];
  if (from === undefined || to === undefined) throw bad('ports go from 1 to 65535');
  if (from.length !== to.length) throw bad('the ranges are of different length');
  return from.map((hostPort, i) => ({ protocol, address, hostPort, containerPort: to[i] ?? 0 }));
}

function portRange(text: string): readonly number[] | undefined {
  const [, first = '', last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (first === '' || from < 1 || to > 65535 || to < from) return undefined;
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/** As `docker ps` shows them: `0.0.0.0:8080->80/tcp`. */
export function showPorts(ports: readonly PortMapping[]): string {
  return ports
    .map((port) => `${port.address || '0.0.0.0'}:${port.hostPort}->${port.containerPort}/${port.protocol}`)
    .join(', ');
}
