import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * Devices whose medium is exchanged while the number stays: an image file attached to a loop device, a network block
 * device, memory. Two images that were made alike have the same inode numbers and times, and other content.
 */
const REPLACEABLE = /\/block\/(?:loop|nbd|ram|zram|fd|sr)\d/;

/** How many devices may stand on each other, e.g. encryption on a volume on a RAID. */
const MOST_LAYERS = 8;

/** Whether the medium of a block device may be exchanged, or nobody can tell. */
export function isReplaceableDevice(major: number, minor: number): boolean {
  return isReplaceable(`/sys/dev/block/${major}:${minor}`, MOST_LAYERS);
}

/**
 * The same of a volume that has a number of its own (btrfs, bcachefs). Which devices hold it can be told by its mount alone,
 * and a bind mount hides that: so all mounts of such file systems must be on devices that stay.
 */
export function isReplaceableVolume(): boolean {
  try {
    return readFileSync('/proc/self/mountinfo', 'latin1')
      .split('\n')
      .some((line) => {
        const [, type = '', sources = ''] = / - (\S+) (\S+)/.exec(line) ?? [];
        return /^(?:btrfs|bcachefs)$/.test(type) && sources.split(':').some(isReplaceableNode);
      });
  } catch {
    return true;
  }
}

/** `node` is a device as a mount names it: `/dev/sda1`, `/dev/mapper/root`. */
function isReplaceableNode(node: string): boolean {
  let name = node.replace(/^\/dev\//, '');
  if (name.startsWith('mapper/')) {
    try {
      name = readlinkSync(node).replace(/^.*\//, '');
    } catch {
      return true;
    }
  }
  return isReplaceable(`/sys/class/block/${name}`, MOST_LAYERS);
}

/** `link` leads to the device's directory in sysfs. */
function isReplaceable(link: string, layers: number): boolean {
  if (layers === 0) return true;
  try {
    if (REPLACEABLE.test(readlinkSync(link))) return true;
    // A partition has none of its own. What encryption or a RAID stands on.
    return slavesOf(link).some((name) => isReplaceable(`/sys/class/block/${name}`, layers - 1));
  } catch {
    return true;
  }
}

function slavesOf(link: string): readonly string[] {
  try {
    return readdirSync(`${link}/slaves`);
  } catch {
    return [];
  }
}
