import { invalid } from './invalid.ts';

const PROTOCOLS: ReadonlySet<string> = new Set(['tcp', 'udp', 'sctp']);
const MAX_PORT = 65_535;

/**
 * Normalises the expanded words of EXPOSE (`80`, `80/TCP`, `8000-8003/udp`, `ip:host:container`) to what an image's config holds:
 * `80/tcp`, one per port, sorted by bytes, without duplicates. A host part is checked and dropped.
 * Throws BuildError DOCKERFILE_INVALID, without a range.
 */
export function parsePorts(specs: readonly string[]): string[] {
  // Marked first and named later: a line holds thousands of ranges, each of all ports.
  const marks = new Map<string, Uint8Array>();
  for (const spec of specs) {
    const { first, last, protocol } = parseSpec(spec);
    const marked = marks.get(protocol) ?? new Uint8Array(MAX_PORT + 1);
    marks.set(protocol, marked.fill(1, first, last + 1));
  }
  const ports: string[] = [];
  for (const [protocol, marked] of marks) {
    for (let port = marked.indexOf(1); port >= 0; port = marked.indexOf(1, port + 1)) ports.push(`${port}/${protocol}`);
  }
  return ports.toSorted((a, b) => (a < b ? -1 : 1));
}

interface PortRange {
  readonly first: number;
  readonly last: number;
}

function parseSpec(spec: string): PortRange & { readonly protocol: string } {
  const parts = spec.split(':');
  const [port = '', ...protocols] = (parts.pop() ?? '').split('/');
  const host = parts.pop() ?? '';
  const protocol = protocols.join('/').toLowerCase() || 'tcp';
  if (port === '') throw invalid(`no port specified: ${spec}<empty>`, undefined, 'Write a port such as 80 or 53/udp.');
  if (!PROTOCOLS.has(protocol))
    throw invalid(`invalid proto: ${protocol}`, undefined, 'The protocol must be tcp, udp or sctp.');
  checkAddress(parts.join(':'));
  const container = parseRange(port);
  if (container === undefined) {
    throw invalid(`invalid containerPort: ${port}`, undefined, `A port is a number up to ${MAX_PORT}, or a range.`);
  }
  checkHostPort(host, port, container);
  return { ...container, protocol };
}

function checkHostPort(host: string, port: string, container: PortRange): void {
  if (host === '') return;
  const hostRange = parseRange(host);
  if (hostRange === undefined) throw invalid(`invalid hostPort: ${host}`);
  const count = container.last - container.first;
  // A range of host ports for a single container port means: take any of them.
  if (count > 0 && hostRange.last - hostRange.first !== count) {
    throw invalid(`invalid ranges specified for container and host Ports: ${port} and ${host}`);
  }
}

function checkAddress(address: string): void {
  const bare = /^\[(.*)\]$/.exec(address)?.[1] ?? address;
  const octets = bare.split('.');
  const isV4 = octets.length === 4 && octets.every((octet) => /^[0-9]{1,3}$/.test(octet) && Number(octet) <= 255);
  const isV6 = bare.includes(':') && /^[0-9a-fA-F:.]+$/.test(bare);
  if (address !== '' && !isV4 && !isV6) throw invalid(`invalid IP address: ${address}`);
}

function parseRange(text: string): PortRange | undefined {
  const match = /^([0-9]+)(?:-([0-9]+))?$/.exec(text);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = match[2] === undefined ? first : Number(match[2]);
  return first <= last && last <= MAX_PORT ? { first, last } : undefined;
}
