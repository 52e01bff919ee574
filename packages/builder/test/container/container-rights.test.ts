import { describe, expect, it } from 'vitest';
import type { ContainerDescription } from '../../src/container-state/container-config.ts';
import { containerRights, readCapabilities } from '../../src/container/container-rights.ts';
import { CAPABILITIES } from '../../src/executor/capabilities.ts';

describe('readCapabilities', () => {
  it('takes names in any case, with CAP_ or without', () => {
    expect(readCapabilities(['NET_RAW', 'cap_chown', 'CAP_SYS_PTRACE'], '--cap-add')).toEqual([
      'net_raw',
      'chown',
      'sys_ptrace',
    ]);
    expect(readCapabilities(['ALL', 'SYS_ADMIN'], '--cap-drop')).toEqual(['all', 'sys_admin']);
  });

  it.each(['ALL', 'SYS_ADMIN', 'SYS_MODULE', 'DAC_READ_SEARCH', 'BPF'])('gives no container %s', (name) => {
    expect(() => readCapabilities([name], '--cap-add')).toThrow(`--cap-add ${name} is refused`);
  });

  it.each(['', 'NOPE', 'CAP_', 'chown,kill'])('does not know %j', (name) => {
    expect(() => readCapabilities([name], '--cap-drop')).toThrow('unknown capability');
  });
});

describe('containerRights', () => {
  const rights = (config: Partial<ContainerDescription>) =>
    containerRights({ network: 'none', ...config } as ContainerDescription).capabilities?.toSorted();

  it('leaves the usual ones to the executor', () => {
    expect(containerRights({ network: 'host' } as ContainerDescription)).toEqual({});
  });

  it('drops first, and then adds', () => {
    expect(rights({ capDrop: ['mknod'] })).toEqual(CAPABILITIES.filter((name) => name !== 'mknod').toSorted());
    expect(rights({ capDrop: ['all'] })).toEqual([]);
    expect(rights({ capDrop: ['all'], capAdd: ['chown'] })).toEqual(['chown']);
    expect(rights({ capAdd: ['chown', 'sys_nice'] })).toEqual([...CAPABILITIES, 'sys_nice'].toSorted());
  });
});
