import { describe, expect, it } from 'vitest';
import { parseExposed, parsePublished, showPorts } from '../../src/container/ports.ts';

describe('parsePublished', () => {
  it('reads ports, addresses, protocols and ranges', () => {
    expect(showPorts(parsePublished(['8080:80', '127.0.0.1:53:5353/udp', '7000-7001:80-81', '[::1]:1:2']))).toBe(
      '0.0.0.0:8080->80/tcp, 127.0.0.1:53->5353/udp, 0.0.0.0:7000->80/tcp, 0.0.0.0:7001->81/tcp, ::1:1->2/tcp',
    );
  });

  it.each(['80', '0:80', '80:99999', '80:80/sctp', 'host:80:80', '1-3:1-2', ':80:'])('refuses %s', (text) => {
    expect(() => parsePublished([text])).toThrow('invalid --publish');
  });
});

describe('parseExposed', () => {
  it('reads ports, protocols and ranges, each port once', () => {
    expect(parseExposed(['80', '53/UDP', '7000-7002', '80/tcp'])).toEqual([
      '80/tcp',
      '53/udp',
      '7000/tcp',
      '7001/tcp',
      '7002/tcp',
    ]);
  });

  it.each(['80:90', 'x', '', '80-78', '70000', '80/icmp'])('refuses %j', (text) => {
    expect(() => parseExposed([text])).toThrow(/invalid (?:port|range) format for --expose/);
  });

  it('shows those that nothing maps, neighbours together', () => {
    expect(showPorts(parsePublished(['8080:80']), ['80/tcp', '7000/tcp', '7001/tcp', '53/udp'])).toBe(
      '53/udp, 7000-7001/tcp, 0.0.0.0:8080->80/tcp',
    );
  });
});
