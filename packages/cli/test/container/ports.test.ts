import { describe, expect, it } from 'vitest';
import { parsePublished, showPorts } from '../../src/container/ports.ts';

describe('parsePorts', () => {
  it('reads ports, addresses, protocols and ranges', () => {
    expect(showPorts(parsePublished(['8080:80', '127.0.0.1:53:5353/udp', '7000-7001:80-81', '[::1]:1:2']))).toBe(
      '0.0.0.0:8080->80/tcp, 127.0.0.1:53->5353/udp, 0.0.0.0:7000->80/tcp, 0.0.0.0:7001->81/tcp, ::1:1->2/tcp',
    );
  });

  it.each(['80', '0:80', '80:99999', '80:80/sctp', 'host:80:80', '1-3:1-2', ':80:'])('refuses %s', (text) => {
    expect(() => parsePublished([text])).toThrow('invalid --publish');
  });
});
