import { describe, expect, it } from 'vitest';
import { parsePorts } from '../../src/dockerfile/ports.ts';

describe('parsePorts', () => {
  it('takes thousands of ranges of all ports', () => {
    expect(parsePorts(Array.from({ length: 8000 }, () => '0-65535'))).toHaveLength(65_536);
  });

  it.each([
    [[], []],
    [['80'], ['80/tcp']],
    [
      ['80/TCP', '53/Udp', '9/sctp'],
      ['53/udp', '80/tcp', '9/sctp'],
    ],
    [['80/'], ['80/tcp']],
    [['80', '80/tcp', '8080:80'], ['80/tcp']],
    [['8001-8003/udp'], ['8001/udp', '8002/udp', '8003/udp']],
    [['9-11'], ['10/tcp', '11/tcp', '9/tcp']],
    [
      ['5-5', '0080'],
      ['5/tcp', '80/tcp'],
    ],
    [
      ['0', '65535'],
      ['0/tcp', '65535/tcp'],
    ],
    [
      ['127.0.0.1:8080:80/udp', '127.0.0.1::81'],
      ['80/udp', '81/tcp'],
    ],
    [
      ['::1:1:90', '[::1]:1:91'],
      ['90/tcp', '91/tcp'],
    ],
    [
      ['8000-8010:80', '1-2:3-4'],
      ['3/tcp', '4/tcp', '80/tcp'],
    ],
  ])('%j', (specs, ports) => {
    expect(parsePorts(specs)).toEqual(ports);
  });

  it.each([
    ['', 'no port specified: <empty>'],
    ['/tcp', 'no port specified: /tcp<empty>'],
    ['8080:', 'no port specified: 8080:<empty>'],
    ['80/http', 'invalid proto: http'],
    ['80/tcp/udp', 'invalid proto: tcp/udp'],
    ['65536', 'invalid containerPort: 65536'],
    ['http', 'invalid containerPort: http'],
    ['-1', 'invalid containerPort: -1'],
    ['3-1', 'invalid containerPort: 3-1'],
    ['1-2-3', 'invalid containerPort: 1-2-3'],
    ['1-', 'invalid containerPort: 1-'],
    ['+80', 'invalid containerPort: +80'],
    ['x:80', 'invalid hostPort: x'],
    ['host:1:80', 'invalid IP address: host'],
    ['256.0.0.1:1:80', 'invalid IP address: 256.0.0.1'],
    ['1-2:1-3', 'invalid ranges specified for container and host Ports: 1-3 and 1-2'],
  ])('refuses %j', (spec, message) => {
    expect(() => parsePorts(['80', spec])).toThrow(expect.objectContaining({ code: 'DOCKERFILE_INVALID', message }));
  });
});
