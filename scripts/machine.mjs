// What this machine must have for a purpose, what of it is missing, and which Debian package brings it.
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const FOLDERS = [
  ...(process.env.PATH ?? '').split(delimiter),
  '/usr/local/sbin',
  '/usr/sbin',
  '/sbin',
  '/usr/bin',
  '/bin',
];

const isProgram = (path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};
const onPath = (name) => FOLDERS.some((folder) => isProgram(join(folder, name)));

/** A busybox that is linked dynamically would not run in an image that holds nothing else. */
function hasStaticBusybox() {
  const busybox = ['/bin/busybox', '/usr/bin/busybox'].find(isProgram);
  if (busybox === undefined) return false;
  try {
    return !execFileSync('ldd', [busybox], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).includes('=>');
  } catch {
    return true; // ldd fails on what is "not a dynamic executable"
  }
}

const program = (name, packageName, use) => ({ name, packageName, use, present: () => onPath(name) });

const BASES = {
  name: 'busybox (static)',
  packageName: 'busybox-static',
  use: 'base images',
  present: hasStaticBusybox,
};
const SANDBOX = [
  program('unshare', 'util-linux', 'RUN'),
  program('setpriv', 'util-linux', 'RUN'),
  program('mount', 'mount', 'RUN'),
];
const ROOTLESS = program('newuidmap', 'uidmap', 'RUN as an ordinary user');

/** Purpose → what cannot be done without, and what is only better to have. */
export const PURPOSES = {
  demo: { needed: [BASES, ...SANDBOX, program('tar', 'tar', 'base images')], wanted: [] },
  tests: {
    needed: [
      BASES,
      ...SANDBOX,
      ROOTLESS,
      program('tar', 'tar', 'base images'),
      program('runc', 'runc', 'RUN with seccomp'),
      program('dockerd', 'docker.io', 'the engine that judges the images'),
      // Debian's own client, of the same version as the engine. A later Debian has it in a package of its own.
      {
        name: '/usr/bin/docker',
        packageName: 'docker.io',
        laterPackageName: 'docker-cli',
        use: 'the engine',
        present: () => isProgram('/usr/bin/docker'),
      },
      program('skopeo', 'skopeo', 'a second judge'),
      program('umoci', 'umoci', 'a third judge'),
      program('strace', 'strace', 'faults in system calls'),
      program('tmux', 'tmux', 'what progress looks like on a terminal'),
      program('shellcheck', 'shellcheck', 'the shell programs of the sandbox'),
      program('getfattr', 'attr', 'extended attributes'),
      program('faketime', 'faketime', 'builds in another year'),
      program('setcap', 'libcap2-bin', 'file capabilities'),
      program('docker-registry', 'docker-registry', 'a registry on loopback'),
      program('htpasswd', 'apache2-utils', 'a registry with passwords'),
      program('openssl', 'openssl', 'a registry with TLS'),
      program('python3', 'python3', 'a second reader of archives'),
      program('strace', 'strace', 'what files a build opens'),
      program('time', 'time', 'the benchmark'),
      program('chromium', 'chromium', 'the image library in a browser'),
    ],
    wanted: [
      program('mmdebstrap', 'mmdebstrap', 'the Debian base image'),
      program('pasta', 'passt', 'ports of containers'),
      program('slirp4netns', 'slirp4netns', 'ports of containers'),
      program('zsh', 'zsh', 'completion in zsh'),
      program('fish', 'fish', 'completion in fish'),
      program('go', 'golang-go', 'the judge of what Go programs are made of'),
    ],
  },
};

export const missingOf = (tools) => tools.filter((tool) => !tool.present());

/** Debian or a relative of it, with the right to install packages. */
export const canInstall = () => process.getuid?.() === 0 && existsSync('/etc/debian_version') && onPath('apt-get');

function apt(...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=120', ...args], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/** Installs these packages without a question; asks for fresh lists once, when the machine's own do not do. */
export function installPackages(names) {
  const install = () => apt('install', '-y', '--no-install-recommends', ...names);
  try {
    install();
  } catch {
    apt('update');
    install();
  }
}
