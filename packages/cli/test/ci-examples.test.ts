import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isScalar, parse, parseAllDocuments, visit } from 'yaml';
import { buildOptionTable } from '../src/commands/build/build-options.ts';
import { catalog } from '../src/commands/catalog.ts';
import { parseCommandLine } from '../src/grammar/command.ts';
import { globalOptions } from '../src/grammar/options.ts';

const DIRECTORY = new URL('../../../examples/ci/', import.meta.url);
const PAGE = readFileSync(new URL('../../../docs/ci.md', import.meta.url), 'utf8');
const MIGRATION = readFileSync(new URL('../../../docs/migrate.md', import.meta.url), 'utf8');
const FILES = readdirSync(DIRECTORY).toSorted();
const CONFIGURATION = ['gitlab-runner.toml', 'jenkins-pod.yaml', 'kubernetes-pod.yaml', 'problem-matcher.json'];

type Fields = Readonly<Record<string, unknown>>;

function textOf(file: string): string {
  return readFileSync(new URL(file, DIRECTORY), 'utf8');
}

/** The documents of a YAML file. @throws if it is none, or has a key twice */
function documentsOf(file: string): readonly Fields[] {
  return parseAllDocuments(textOf(file)).map((document) => {
    if (document.errors.length > 0 || document.warnings.length > 0) throw new Error(`${file} is not valid YAML`);
    return document.toJS() as Fields;
  });
}

/** What sits at a path such as `spec.steps.0.image`. */
function at(fields: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (value as Fields | undefined)?.[key], fields);
}

/** The shell scripts of a file: every string of a YAML document, every `sh '…'` of a Jenkinsfile. */
function scriptsOf(file: string): readonly string[] {
  const text = textOf(file);
  if (file === 'Jenkinsfile') return [...text.matchAll(/\bsh '([^']*)'/g)].map(([, script = '']) => script);
  if (!/\.ya?ml$/.test(file)) return [];
  const scripts: string[] = [];
  for (const document of parseAllDocuments(text)) {
    visit(document, (_, node) => void (isScalar(node) && typeof node.value === 'string' && scripts.push(node.value)));
  }
  return scripts;
}

/** The words behind `tsbuild`, for each command of these scripts that runs it. */
function commandsOf(file: string): readonly (readonly string[])[] {
  const lines = scriptsOf(file).flatMap((script) => script.replaceAll('\\\n', ' ').split('\n'));
  const commands = lines.flatMap((line) => [...line.matchAll(/(?:^|[|&;] )\s*tsbuild ([^|&;>]*)/g)]);
  return commands.map(([, rest = '']) =>
    [...rest.replace(/ #.*/, '').matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)].map(([word]) =>
      word.replaceAll(/["']/g, ''),
    ),
  );
}

describe.each(FILES)('examples/ci/%s', (file) => {
  it('is in docs/ci.md, word for word', () => {
    const blocks = [...PAGE.matchAll(/^```[a-z]+\n([^]*?)^```$/gm)].map(([, block]) => block);
    expect(blocks).toContain(textOf(file));
  });

  it('has no command or flag that tsbuild does not know', async () => {
    for (const [name = '', ...words] of commandsOf(file)) {
      const command = await catalog[name]?.load();
      if (command === undefined) throw new Error(`${file}: tsbuild has no command ${name}`);
      expect(parseCommandLine(command, words).operands).toHaveLength(1);
    }
  });

  it.skipIf(CONFIGURATION.includes(file))('installs tsbuild, builds with a shared cache, and pushes', () => {
    expect(scriptsOf(file).join('\n')).toContain('npm install -g @tsbuild/cli');
    const builds = commandsOf(file).filter(([name]) => name === 'build');
    const variables = /TSBUILD_CACHE_FROM: [^]*TSBUILD_CACHE_TO: /.test(textOf(file));
    expect(builds.some((words) => words.includes('--push') && words.includes('-t'))).toBe(true);
    for (const words of variables ? [] : builds)
      expect(words).toEqual(expect.arrayContaining(['--cache-from', '--cache-to']));
  });

  it('runs no program of the registry that only has the name of the command', () => {
    expect(textOf(file)).not.toMatch(/npx|npm (?:exec|install|i) (?:-g )?tsbuild/);
  });
});

describe('the kind of each example', () => {
  it.each<[string, number, string, string, string[]]>([
    ['kubernetes-pod.yaml', 0, 'v1', 'Pod', ['metadata.name', 'spec.containers.0.image']],
    ['kubernetes-job.yaml', 0, 'batch/v1', 'Job', ['metadata.name', 'spec.template.spec.restartPolicy']],
    ['jenkins-pod.yaml', 0, 'v1', 'Pod', ['spec.containers.0.name', 'spec.containers.0.image']],
    ['tekton-task.yaml', 0, 'tekton.dev/v1', 'Task', ['metadata.name', 'spec.steps.0.image', 'spec.steps.0.script']],
    ['tekton-task.yaml', 1, 'tekton.dev/v1', 'TaskRun', ['metadata.generateName', 'spec.taskRef.name']],
    ['argo-workflow.yaml', 0, 'argoproj.io/v1alpha1', 'Workflow', ['metadata.generateName', 'spec.entrypoint']],
  ])('%s, document %i: %s %s', (file, index, apiVersion, kind, paths) => {
    const document = documentsOf(file)[index];
    expect(document).toMatchObject({ apiVersion, kind, spec: {} });
    for (const path of paths) expect(at(document, path), path).toEqual(expect.any(String));
  });

  it('Tekton: the run gives the task each of its parameters and workspaces', () => {
    const [task, run] = documentsOf('tekton-task.yaml');
    const names = (fields: unknown) => (fields as Fields[]).map((field) => field['name']);
    expect(at(run, 'spec.taskRef.name')).toBe(at(task, 'metadata.name'));
    for (const key of ['params', 'workspaces'])
      expect(names(at(run, `spec.${key}`))).toEqual(names(at(task, `spec.${key}`)));
  });

  it.each(['github-actions.yml', 'forgejo-actions.yml'])('%s is a workflow', (file) => {
    const [workflow] = documentsOf(file);
    expect(workflow).toMatchObject({ on: { push: {} }, jobs: { image: { 'runs-on': expect.any(String) } } });
    for (const step of at(workflow, 'jobs.image.steps') as Fields[])
      expect(Object.keys(step).filter((key) => key === 'uses' || key === 'run')).toHaveLength(1);
  });

  it('GitHub: the job may push packages, and a pull request writes to no cache', () => {
    const [workflow] = documentsOf('github-actions.yml');
    expect(workflow).toMatchObject({ permissions: { contents: 'read', packages: 'write' } });
    expect(at(workflow, 'jobs.image.env.TSBUILD_CACHE_TO')).toMatch(
      /^\$\{\{ github.event_name == 'push' && '.*' \|\| '' }}$/,
    );
    const pushes = (at(workflow, 'jobs.image.steps') as Fields[]).filter(({ run }) => /--push/.test(String(run)));
    expect(pushes.map((step) => step['if'])).toEqual(["github.event_name == 'push'"]);
  });

  it('GitLab: a job with a script, none under a reserved name', () => {
    const [pipeline = {}] = documentsOf('gitlab-ci.yml');
    expect(Object.keys(pipeline)).toEqual(['build-image']);
    expect(pipeline['build-image']).toMatchObject({ image: 'node:22', script: [expect.any(String)] });
  });

  it('Argo: the workflow begins with a template that it has', () => {
    const [workflow] = documentsOf('argo-workflow.yaml');
    expect(at(workflow, 'spec.templates.0.name')).toBe(at(workflow, 'spec.entrypoint'));
  });

  it('Jenkins: the pod has the container that the steps run in', () => {
    const [, file = '', container = ''] = /yamlFile '(.*)'\s+defaultContainer '(.*)'/.exec(textOf('Jenkinsfile')) ?? [];
    expect(at(documentsOf(file)[0], 'spec.containers.0.name')).toBe(container);
  });
});

describe('level 3', () => {
  const [, patch = ''] = /patch = '''\n([^]*?)'''/.exec(textOf('gitlab-runner.toml')) ?? [];
  const [argo] = documentsOf('argo-workflow.yaml');
  const [task, run] = documentsOf('tekton-task.yaml');
  it.each([
    ['kubernetes-pod.yaml', at(documentsOf('kubernetes-pod.yaml')[0], 'spec'), 'containers.0'],
    ['kubernetes-job.yaml', at(documentsOf('kubernetes-job.yaml')[0], 'spec.template.spec'), 'containers.0'],
    ['jenkins-pod.yaml', at(documentsOf('jenkins-pod.yaml')[0], 'spec'), 'containers.0'],
    ['gitlab-runner.toml', parse(patch), 'containers.0'],
    ['tekton-task.yaml', { ...(at(run, 'spec.podTemplate') as Fields), task }, 'task.spec.steps.0'],
    [
      'argo-workflow.yaml',
      { ...(parse(String(at(argo, 'spec.templates.0.podSpecPatch'))) as Fields), argo },
      'argo.spec.templates.0.container',
    ],
  ])('%s asks for the same rights as the pod that doctor prints', (_, pod, container) => {
    expect(at(pod, 'hostUsers')).toBe(false);
    expect(at(pod, `${container}.securityContext`)).toEqual({
      capabilities: { add: ['SYS_ADMIN'] },
      procMount: 'Unmasked',
      appArmorProfile: { type: 'Unconfined' },
    });
  });
});

/** Every flag of these tools: `docker buildx build --help` of 0.30, kaniko's flags at its end (1.24), buildah-build(1) of 1.45. */
const FLAGS = {
  'docker buildx build': `add-host allow annotation attest build-arg build-context builder cache-from cache-to call cgroup-parent
    check debug file iidfile label load metadata-file network no-cache no-cache-filter output platform policy progress
    provenance pull push quiet resource sbom secret shm-size ssh tag target ulimit`,
  kaniko: `bucket build-arg cache cache-copy-layers cache-dir cache-repo cache-run-layers cache-ttl cleanup
    compressed-caching compression compression-level context context-sub-path custom-platform customPlatform destination
    digest-file dockerfile force force-build-metadata git ignore-path ignore-var-run image-download-retry
    image-fs-extract-retry image-name-tag-with-digest-file image-name-with-digest-file insecure insecure-pull
    insecure-registry kaniko-dir label log-format log-timestamp no-push no-push-cache oci-layout-path
    push-ignore-immutable-tag-errors push-retry registry-certificate registry-client-cert registry-map registry-mirror
    reproducible single-snapshot skip-default-registry-fallback skip-push-permission-check skip-tls-verify
    skip-tls-verify-pull skip-tls-verify-registry skip-unused-stages snapshot-mode snapshotMode tar-path tarPath target
    use-new-run verbosity whitelist-var-run`,
  'buildah build': `add-host all-platforms annotation arch authfile build-arg build-arg-file build-context cache-from cache-to
    cache-ttl cap-add cap-drop cert-dir cgroup-parent cgroupns compat-volumes compress compression-format
    compression-level cpp-flag cpu-period cpu-quota cpu-shares cpuset-cpus cpuset-mems created-annotation creds cw
    decryption-key device disable-compression disable-content-trust dns dns-option dns-search env file
    force-compression force-rm format from group-add hooks-dir http-proxy identity-label ignorefile iidfile
    iidfile-raw inherit-annotations inherit-labels ipc isolation jobs label layer-label layers logfile logsplit
    manifest memory memory-swap metadata-file mount network no-cache no-hostname no-hosts omit-history os os-feature
    os-version output pid platform pull quiet retry retry-delay rewrite-timestamp rm runtime runtime-flag save-stages
    sbom sbom-image-output sbom-image-purl-output sbom-merge-strategy sbom-output sbom-purl-output
    sbom-scanner-command sbom-scanner-image secret security-opt shm-size sign-by skip-unused-stages source-date-epoch
    source-policy-file squash ssh stage-labels stdin tag target timestamp tls-verify ulimit unsetannotation unsetenv
    unsetlabel userns userns-gid-map userns-gid-map-group userns-uid-map userns-uid-map-user uts variant volume`,
} as const;

describe.each(Object.entries(FLAGS))('docs/migrate.md, coming from %s', (tool, flags) => {
  const section = MIGRATION.split(`\n## From ${tool}\n`)[1]?.split('\n## ')[0] ?? '';
  const rows = [...section.matchAll(/^\| (`--.*?) \| (.*) \|$/gm)];
  const named = (text: string) => [...text.matchAll(/`--([a-zA-Z-]+)/g)].map(([, name = '']) => name);

  it('has a row for every flag, and each once', () => {
    expect(rows.flatMap(([, theirs = '']) => named(theirs)).toSorted()).toEqual(flags.split(/\s+/).toSorted());
  });

  it('names flags that exist, or says none and why', () => {
    const known = new Set(Object.keys({ ...buildOptionTable, ...globalOptions }));
    for (const [, theirs = '', ours = ''] of rows) {
      expect(
        named(ours === 'the same' ? theirs : ours).filter((name) => !known.has(name)),
        theirs,
      ).toEqual([]);
      expect(ours, theirs).toMatch(/^the same$|^none: \S|^always|`/);
    }
  });
});
