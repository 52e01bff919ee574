import { CAPABILITIES, commandCapabilities } from '../executor/capabilities.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import type { RunSpec } from '../executor/executor.ts';
import { readIdMaps } from '../executor/id-map.ts';
import type { ContainerDescription } from '../container-state/container-config.ts';

/** What a container can be given beside Docker's set: it acts on the container, on its own network, and on its own processes. */
const MORE = ['ipc_lock', 'ipc_owner', 'lease', 'linux_immutable', 'net_admin', 'net_broadcast', 'sys_nice', 'sys_ptrace',
  'sys_resource', 'wake_alarm']; // biome-ignore format: one list
/** These are as good as the machine: its mounts, disks, modules, clock, memory or logs. */
const OF_THE_MACHINE = ['all', 'audit_control', 'audit_read', 'block_suspend', 'bpf', 'checkpoint_restore', 'dac_read_search',
  'mac_admin', 'mac_override', 'perfmon', 'syslog', 'sys_admin', 'sys_boot', 'sys_module', 'sys_pacct', 'sys_rawio', 'sys_time',
  'sys_tty_config']; // biome-ignore format: one list

/**
 * Reads the names that `--cap-add` and `--cap-drop` give, in any case, with `CAP_` or without; `ALL` can be dropped.
 * @throws BuildError `OPTION_INVALID`
 */
export function readCapabilities(names: readonly string[], flag: '--cap-add' | '--cap-drop'): readonly string[] {
  return names.map((text) => {
    const name = text.toLowerCase().replace(/^cap_/, '');
    if ([...CAPABILITIES, ...MORE].includes(name)) return name;
    if (!OF_THE_MACHINE.includes(name)) {
      throw new BuildError('OPTION_INVALID', `${flag}: unknown capability: ${JSON.stringify(text)}`);
    }
    if (flag === '--cap-drop') return name;
    throw new BuildError(
      'OPTION_INVALID',
      `--cap-add ${text} is refused: it would give the container control of the machine`,
      {
        hint: `Supported: ${[...CAPABILITIES, ...MORE].map((each) => each.toUpperCase()).join(', ')}. For others, use docker or podman.`,
      },
    );
  });
}

/** The rights of a container's commands, as docker counts them: what is dropped goes from the usual ones, then comes what is added. */
export function containerRights(config: ContainerDescription): Pick<RunSpec, 'capabilities' | 'noNewPrivileges'> {
  const { capAdd = [], capDrop = [], network, noNewPrivileges } = config;
  const usual = commandCapabilities({ network }, readIdMaps());
  const kept = capDrop.includes('all') ? [] : usual.filter((name) => !capDrop.includes(name));
  return {
    ...(capAdd.length + capDrop.length === 0 ? {} : { capabilities: [...new Set([...kept, ...capAdd])] }),
    ...(noNewPrivileges === true ? { noNewPrivileges } : {}),
  };
}
