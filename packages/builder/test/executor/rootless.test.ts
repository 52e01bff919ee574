import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { removeTree } from '../../src/disk/remove-tree.ts';
import { findTool } from '../../src/executor/host-tools.ts';
import { children } from '../../src/executor/process-tree.ts';
import { bundle } from '../../testing/bundle.ts';
import { IN_USER_NAMESPACE, NO_SANDBOX } from '../../testing/busybox-root.ts';
import { asUser, ordinaryUser, userDirectory } from '../../testing/ordinary-user.ts';
import type { OrdinaryUser } from '../../testing/ordinary-user.ts';

const WORKSPACE = fileURLToPath(new URL('../../../../', import.meta.url));
const VITEST = 'node_modules/vitest/vitest.mjs';
const TOOLS = ['/usr/bin/newuidmap', '/usr/sbin/useradd'];
const SKIP = IN_USER_NAMESPACE
  ? ' (runs inside already)'
  : TOOLS.every((path) => existsSync(path))
    ? NO_SANDBOX
    : ' (needs newuidmap and useradd)';

/** The contract suites once more, as an ordinary user in the user namespace that the CLI makes for itself. */
describe.skipIf(SKIP !== '')(`as an ordinary user${SKIP}`, () => {
  let user: OrdinaryUser;
  let directory: string;
  let single: string;
  let workspace: string;
  let node: string;
  let runner: string;
  beforeAll(() => {
    user = ordinaryUser('subordinate');
    directory = userDirectory(user);
    single = userDirectory(ordinaryUser('single'));
    workspace = join(directory, 'workspace');
    node = join(directory, 'node');
    mkdirSync(workspace);
    writeFileSync(node, '');
    runner = join(directory, 'runner.mjs');
    bundle(fileURLToPath(new URL('../../testing/rootless-runner.ts', import.meta.url)), runner);
  });
  afterAll(async () => {
    await removeTree(directory);
    await removeTree(single);
  });

  const home = (who: OrdinaryUser): string => (who.uid === user.uid ? directory : single);

  /** Runs a program as the user, who sees the workspace and node also where their folders (root's home) are closed to him. */
  const inNamespace = (who: OrdinaryUser, argv: readonly string[]) => {
    const script = 'mount --bind "$1" "$2"; mount --bind "$3" "$4"; cd "$2"; shift 4; exec "$@"';
    const own = ['sh', '-ec', script, 'sh', WORKSPACE, workspace, process.execPath, node];
    return spawnSync('unshare', ['--mount', '--', ...own, 'setpriv', ...asUser(who), node, runner, ...argv], {
      encoding: 'utf8',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: home(who), TMPDIR: home(who), NO_COLOR: '1' },
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

  /*
   * The kernel sends a death signal to who has asked for it, and setpriv asks after it was started: killed in between, nobody
   * tells it. strace makes that moment long.
   */
  it.skipIf(findTool('strace') === undefined)(
    'does not go on when this process dies before it could notice (needs strace)',
    async () => {
      const slow = ['-f', '-u', user.name, '-q', '-o', '/dev/null', '-e', 'trace=prctl', '-e', 'signal=none'];
      const words = [runner, 'sh', '-c', 'echo went on; sleep 4817'];
      const tracer = spawn('strace', [...slow, '-e', 'inject=prctl:delay_enter=150000', process.execPath, ...words], {
        stdio: ['ignore', 'pipe', 'ignore'],
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: directory },
      });
      onTestFinished(() => void tracer.kill());
      const started = (pid: number): readonly number[] => children(pid).filter((each) => nameOf(each) === 'setpriv');
      const victim = await until(() => children(tracer.pid ?? 0).find((pid) => started(pid).length > 0));
      const survivors = started(victim);
      onTestFinished(() => survivors.forEach(killTree));
      process.kill(victim, 'SIGKILL');
      // It closes when all are gone that could write to it.
      let said = '';
      for await (const chunk of tracer.stdout) {
        said += String(chunk);
        break;
      }
      expect(said).toBe('');
    },
  );

  it('fulfils the contracts of executor and snapshotter', { timeout: 600_000 }, () => {
    const { failed, passed } = runSuites(user, ['executor/namespaces-executor', 'snapshot/overlay-snapshotter'], '');
    expect(failed).toEqual([]);
    expect(passed).toBeGreaterThan(45);
  });

  it('writes right layers with one id too', { timeout: 300_000 }, () => {
    const pattern = 'overlay what becomes the layer (is|has|moves|replaces|says|finds|comes|keeps hard)|leaves nothing';
    const { failed, passed } = runSuites(ordinaryUser('single'), ['snapshot/overlay-snapshotter'], pattern);
    expect(failed).toEqual([]);
    expect(passed).toBeGreaterThan(12);
  });

  /** Runs test files in the namespace; what failed comes with its message. */
  const runSuites = (who: OrdinaryUser, names: readonly string[], testNamePattern: string) => {
    // A configuration of its own: the workspace's is bundled into node_modules, which is not this user's.
    const conditions = ['@tsbuild/source'];
    const config = {
      root: workspace,
      cacheDir: join(directory, 'cache'),
      resolve: { conditions },
      ssr: { resolve: { conditions: [...conditions, 'node', 'import', 'module', 'default'] } },
      test: {
        include: names.map((name) => `packages/builder/test/${name}.test.ts`),
        testTimeout: 120_000,
        cache: false,
      },
    };
    const path = join(directory, `vitest-${who.name}.config.mjs`);
    const plugins = JSON.stringify(join(workspace, 'scripts/source-plugins.mjs'));
    writeFileSync(
      path,
      `import { SOURCE_PLUGINS } from ${plugins};\nexport default { ...${JSON.stringify(config)}, plugins: SOURCE_PLUGINS }`,
    );
    const filter = testNamePattern === '' ? [] : ['--testNamePattern', testNamePattern];
    const args = ['run', '--config', path, '--configLoader', 'native', '--reporter', 'json', ...filter];
    const { stdout, stderr } = inNamespace(who, [node, VITEST, ...args]);
    const start = stdout.indexOf('{');
    if (start < 0) throw new Error(`the tests did not run: ${stderr}`);
    const report = JSON.parse(stdout.slice(start)) as Report;
    const failed = report.testResults
      .flatMap((suite) => suite.assertionResults)
      .filter(({ status }) => status === 'failed')
      .map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages[0]?.slice(0, 600)}`);
    return { failed, passed: report.numPassedTests };
  };
});

/** Waits for a process. */
async function until(find: () => number | undefined): Promise<number> {
  for (;;) {
    const found = find();
    if (found !== undefined) return found;
    await sleep(5);
  }
}

/** Ends a process and what it started, if it still lives. */
function killTree(pid: number): void {
  children(pid).forEach(killTree);
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone, as it should be.
  }
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1').trim();
  } catch {
    return ''; // It ended meanwhile.
  }
}

interface Report {
  readonly numPassedTests: number;
  readonly testResults: readonly { readonly assertionResults: readonly Assertion[] }[];
}

interface Assertion {
  readonly status: string;
  readonly fullName: string;
  readonly failureMessages: readonly string[];
}
