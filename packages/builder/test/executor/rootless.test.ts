import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeTree } from '../../src/snapshot/remove-tree.ts';
import { bundle } from '../../testing/bundle.ts';
import { IN_USER_NAMESPACE, NO_SANDBOX } from '../../testing/busybox-root.ts';
import { asUser, ordinaryUser, userDirectory } from '../../testing/ordinary-user.ts';
import type { OrdinaryUser } from '../../testing/ordinary-user.ts';

const WORKSPACE = fileURLToPath(new URL('../../../../', import.meta.url));
const VITEST = 'node_modules/vitest/vitest.mjs';
const SKIP = IN_USER_NAMESPACE
  ? ' (runs inside already)'
  : existsSync('/usr/bin/newuidmap')
    ? NO_SANDBOX
    : ' (needs newuidmap)';

/** The contract suites once more, as an ordinary user in the user namespace that the CLI makes for itself. */
describe.skipIf(SKIP !== '')(`as an ordinary user${SKIP}`, () => {
  let user: OrdinaryUser;
  let directory: string;
  let workspace: string;
  let node: string;
  let runner: string;
  beforeAll(() => {
    user = ordinaryUser('subordinate');
    directory = userDirectory(user);
    workspace = join(directory, 'workspace');
    node = join(directory, 'node');
    mkdirSync(workspace);
    writeFileSync(node, '');
    runner = join(directory, 'runner.mjs');
    bundle(fileURLToPath(new URL('../../testing/rootless-runner.ts', import.meta.url)), runner);
  });
  afterAll(() => removeTree(directory));

  /** Runs a program as the user, who sees the workspace and node also where their folders (root's home) are closed to him. */
  const inNamespace = (who: OrdinaryUser, argv: readonly string[]) => {
    const script = 'mount --bind "$1" "$2"; mount --bind "$3" "$4"; cd "$2"; shift 4; exec "$@"';
    const own = ['sh', '-ec', script, 'sh', WORKSPACE, workspace, process.execPath, node];
    return spawnSync('unshare', ['--mount', '--', ...own, 'setpriv', ...asUser(who), node, runner, ...argv], {
      encoding: 'utf8',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: directory, TMPDIR: directory, NO_COLOR: '1' },
    });
  };

  it('is uid 0 with ranges of ids, and passes the exit code on', () => {
    const { status, stdout, stderr } = inNamespace(user, [
      'sh',
      '-c',
      'id -u; wc -l </proc/self/uid_map; echo $TSBUILD_USERNS; exit 9',
    ]);
    expect({ status, stdout, stderr }).toEqual({ status: 9, stdout: '0\n2\nmapped\n', stderr: '' });
  });

  it('is uid 0 with one id when there are no ranges, and says what that lacks', () => {
    const { status, stdout, stderr } = inNamespace(ordinaryUser('single'), [
      'sh',
      '-c',
      'id -u; wc -l </proc/self/uid_map; echo $TSBUILD_USERNS',
    ]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: '0\n1\nsingle\n' });
    expect(stderr).toMatch(
      /^warning: only one user id is available \(tsbuild-test-1 has no range in \/etc\/subuid: usermod .*apt-get fail\n$/,
    );
  });

  it('fulfils the contracts of executor and snapshotter', { timeout: 120_000 }, () => {
    // A configuration of its own: the workspace's is bundled into node_modules, which is not this user's.
    const conditions = ['@tsbuild/source'];
    const config = {
      root: workspace,
      cacheDir: join(directory, 'cache'),
      resolve: { conditions },
      ssr: { resolve: { conditions: [...conditions, 'node', 'import', 'module', 'default'] } },
      test: {
        include: ['executor/namespaces-executor', 'snapshot/overlay-snapshotter'].map(
          (name) => `packages/builder/test/${name}.test.ts`,
        ),
        testTimeout: 30_000,
      },
    };
    writeFileSync(join(directory, 'vitest.config.mjs'), `export default ${JSON.stringify(config)}`);
    const args = [
      'run',
      '--config',
      join(directory, 'vitest.config.mjs'),
      '--configLoader',
      'native',
      '--reporter',
      'json',
    ];
    const { stdout, stderr } = inNamespace(user, [node, VITEST, ...args]);
    const start = stdout.indexOf('{');
    expect(start, stderr).toBeGreaterThanOrEqual(0);
    const report = JSON.parse(stdout.slice(start)) as {
      numPassedTests: number;
      testResults: { assertionResults: Assertion[] }[];
    };
    const failed = report.testResults
      .flatMap((suite) => suite.assertionResults)
      .filter(({ status }) => status === 'failed');
    expect(failed.map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages[0]?.slice(0, 600)}`)).toEqual(
      [],
    );
    expect(report.numPassedTests).toBeGreaterThan(45);
  });
});

interface Assertion {
  readonly status: string;
  readonly fullName: string;
  readonly failureMessages: readonly string[];
}
