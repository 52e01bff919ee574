import { BuildError } from '../diagnostics/build-error.ts';

/** What a complaint of the set-up means, most specific first. */
const MEANINGS: readonly { readonly pattern: RegExp; readonly hint: string }[] = [
  {
    pattern: /unshare failed: (Operation not permitted|No space left)/,
    hint: 'This machine forbids new namespaces: inside a container start it with --privileged (or --cap-add SYS_ADMIN and an unconfined seccomp and AppArmor profile); on Ubuntu see kernel.apparmor_restrict_unprivileged_userns.',
  },
  {
    pattern: /root: .*(overlay|wrong fs type|filesystem|upperdir|workdir)|overlay/i,
    hint: 'overlayfs cannot be mounted here (a user namespace needs Linux 5.11; the store must not itself lie on overlayfs): choose another --root, on ext4, xfs or tmpfs.',
  },
  {
    pattern: /\/proc: .*(permission denied|not permitted)/i,
    hint: 'A fresh /proc cannot be mounted where parts of /proc are hidden, as in a container: start that with --security-opt systempaths=unconfined (Kubernetes: procMount: Unmasked).',
  },
  {
    pattern: /setpriv|setgroups|setres/,
    hint: 'Add ranges for this user to /etc/subuid and /etc/subgid and install newuidmap.',
  },
];

/** The error for a sandbox that could not be set up, from what the set-up's programs said. */
export function setupFailure(complaints: readonly string[], exitCode: number): BuildError {
  const said = complaints.find((line) => !/^\s|dmesg/.test(line)) ?? `it ended with exit code ${exitCode}`;
  const hint = MEANINGS.find(({ pattern }) => pattern.test(said))?.hint;
  return new BuildError('SANDBOX_UNAVAILABLE', `cannot set up the sandbox: ${said}`, {
    output: complaints,
    ...(hint === undefined ? {} : { hint }),
  });
}
