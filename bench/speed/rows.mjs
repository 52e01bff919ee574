// The rows of the table: what is done, what is prepared before each time, and what it is measured against.
import { appendFileSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleGzip } from './gzip-program.mjs';
import { makeBase, makeBigFile, makeTree } from './data.mjs';
import { quietly } from './measure.mjs';

const shell = (text) => ['sh', '-c', text];
/** Words as a shell reads them. */
const words = (command) => command.map((word) => `'${word}'`).join(' ');

/** Makes the data and returns the rows on it. `scale` shrinks everything, for a try. */
export function makeRows({ folder, scale, env, cli, only }) {
  const scaled = (number, least) => Math.max(least, Math.round(number * scale));
  const wanted = (...ids) => only === undefined || ids.some((id) => only.includes(id));
  const dockerfile = (name, ...lines) => {
    const path = join(folder, `${name}.Dockerfile`);
    writeFileSync(path, `${lines.join('\n')}\n`);
    return path;
  };
  const directory = (name) => {
    mkdirSync(join(folder, name), { recursive: true });
    return join(folder, name);
  };

  const small = directory('small');
  const smallFile = makeTree(small, { files: 200, folders: 20, bytes: 1e6 });
  const tree = directory('tree');
  // With headers and padding.
  const treeBytes = scaled(300e6, 1e6);
  const files = scaled(30_000, 60);
  const changing = wanted('cold', 'changed', 'touched', 'same', 'save', 'gzip')
    ? makeTree(tree, { files, folders: scaled(3000, 6), bytes: scaled(250e6, 1e5) })
    : '';
  const great = directory('great');
  if (wanted('great')) makeBigFile(join(great, 'file'), scaled(1024, 2));
  const base = wanted('one', 'twenty', 'many', 'four', 'exec') ? makeBase(join(folder, 'base'), 0) : undefined;
  const bigBase = wanted('one', 'copy-on-big', 'load')
    ? makeBase(join(folder, 'big-base'), scaled(1024, 2))
    : undefined;

  const seven = dockerfile(
    'seven',
    'FROM scratch',
    'WORKDIR /app',
    'ENV A=1',
    'COPY . .',
    'ENV B=2',
    'LABEL c=d',
    'EXPOSE 80',
    'CMD ["/app/x"]',
  );
  const copy = dockerfile('copy', 'FROM scratch', 'COPY . .');
  const twenty = dockerfile(
    'twenty',
    'FROM tsbuild-bench-base',
    ...Array.from({ length: 20 }, (_, i) => `RUN true ${i}`),
  );
  const loop = `i=0; while [ $i -lt ${scaled(20_000, 50)} ]; do echo $i > /made/$i; i=$((i+1)); done`;
  const many = dockerfile('many', 'FROM tsbuild-bench-base', `RUN mkdir /made; ${loop}`);
  const one = dockerfile('one', 'FROM tsbuild-bench-big', 'RUN echo 1 > /one');
  const oneOnSmall = dockerfile('one-on-small', 'FROM tsbuild-bench-base', 'RUN echo 1 > /one');
  const copyOnBig = dockerfile('copy-on-big', 'FROM tsbuild-bench-big', 'COPY . /app/', 'CMD ["/app/x"]');
  const four = dockerfile(
    'four',
    ...[1, 2, 3, 4].flatMap((n) => [`FROM tsbuild-bench-base AS s${n}`, `RUN sleep 1; echo ${n} > /made-${n}`]),
    'FROM scratch',
    ...[1, 2, 3, 4].map((n) => `COPY --from=s${n} /made-${n} /`),
  );
  const bases = [
    ...(base === undefined ? [] : [['tsbuild-bench-base', base]]),
    ...(bigBase === undefined ? [] : [['tsbuild-bench-big', bigBase]]),
  ];
  const cold = (builder) => {
    builder.forget();
    if (builder.isOurs === true) for (const [name, archive] of bases) builder.addBase(name, archive);
  };
  const building = (file, context) => (builder) => builder.build({ file, context });
  /** As {@link building}, but nothing may come from a cache. */
  const buildingCold = (file, context) => (builder) => {
    const command = builder.build({ file, context });
    return [...command.slice(0, -1), ...builder.cold, command.at(-1)];
  };
  /** BuildKit is told to load in every row: without that nobody could run what it built. */
  const loading = (builder) => withFlags(builder.build({ file: copyOnBig, context: small }), builder, ['--load']);
  const again = (file, context, change) => (builder) => {
    quietly(builder.build({ file, context }), { env: builder.env });
    change?.(builder);
  };
  let counter = 0;
  const change = (path) => () => appendFileSync(path, `${counter++}\n`);
  const touchAll = () => {
    const time = 1_500_000_000 + counter++;
    quietly(shell(`find . -type f -exec touch -d @${time} {} +`), { cwd: tree });
    utimesSync(tree, time, time);
  };
  const into = join(folder, 'limit');
  const gzip = (parallel) => [process.execPath, join(folder, 'gzip.mjs'), join(into, 'gzip.tar'), String(parallel)];
  const limits = (name, text, before) => ({ name, command: shell(text), before });
  const overlay = (body) =>
    shell(
      `mkdir -p ${into}/up ${into}/work ${into}/root && rm -rf ${into}/up/* && unshare -m sh -ec 'mount -t overlay o -o lowerdir=${join(folder, 'base-root')},upperdir=${into}/up,workdir=${into}/work ${into}/root; ${body}'`,
    );
  mkdirSync(into, { recursive: true });
  if (wanted('gzip')) {
    bundleGzip(join(folder, 'gzip.mjs'));
    quietly(shell(`tar cf ${into}/gzip.tar ${tree} 2>/dev/null`));
  }
  if (base !== undefined) quietly(shell(`mkdir -p base-root && tar xf ${base} -C base-root`), { cwd: folder });

  return {
    bases,
    rows: [
      {
        id: 'unchanged',
        title: 'unchanged rebuild, 7 steps, 200 files',
        aim: 3,
        against: 'node -e 0',
        limit: limits('node -e 0', `exec ${process.execPath} -e 0`),
        before: again(seven, small),
        command: building(seven, small),
      },
      {
        id: 'cold',
        isGreat: true,
        writes: treeBytes,
        title: `cold COPY of ${files} files`,
        aim: 1.3,
        against: 'tar | tee | sha256sum',
        limit: limits('tar | tee | sha256sum', `tar cf - ${tree} 2>/dev/null | tee ${into}/tar | sha256sum`),
        before: cold,
        command: buildingCold(copy, tree),
      },
      {
        id: 'changed',
        isGreat: true,
        writes: treeBytes,
        title: 'the same, one file changed',
        aim: 0.5,
        against: 'cold',
        what: 'our cold build',
        before: again(copy, tree, change(changing)),
        command: building(copy, tree),
      },
      {
        id: 'touched',
        isGreat: true,
        title: 'the same, all times touched',
        aim: 1.5,
        against: 'reading all files',
        limit: limits('reading all files', `find ${tree} -type f -print0 | xargs -0 cat > /dev/null`),
        before: again(copy, tree, touchAll),
        command: building(copy, tree),
      },
      {
        id: 'same',
        isGreat: true,
        title: 'the same, nothing touched',
        aim: 2,
        against: 'find -printf and a start',
        limit: limits(
          'find -printf and a start',
          `find ${tree} -printf '%T@ %s %i %p\\n' > /dev/null; exec ${process.execPath} -e 0`,
        ),
        before: again(copy, tree),
        command: building(copy, tree),
      },
      {
        id: 'great',
        isGreat: true,
        writes: scaled(2 ** 30, 2 ** 20),
        title: `cold COPY of one file of ${scaled(1024, 2)} MiB`,
        aim: 1.3,
        against: 'cat | tee | openssl',
        limit: limits('cat | tee | openssl', `cat ${great}/file | tee ${into}/great | openssl dgst -sha256`),
        before: cold,
        command: buildingCold(copy, great),
      },
      {
        id: 'many',
        isGreat: true,
        title: `RUN that writes ${scaled(20_000, 50)} files`,
        aim: 1.2,
        against: 'overlay + chroot + tar',
        root: true,
        limit: {
          name: 'overlay + chroot + tar',
          command: overlay(
            `chroot ${into}/root /bin/sh -c "mkdir /made; ${loop.replaceAll('$', '\\$')}"; tar cf - -C ${into}/up . | tee ${into}/tar | sha256sum`,
          ),
        },
        before: cold,
        command: buildingCold(many, small),
      },
      {
        id: 'one',
        title: 'RUN that touches one file of a big base',
        aim: 1.3,
        against: 'one-on-small',
        what: 'the same on a small base',
        root: true,
        before: warmBase(one, small, cold),
        command: buildingCold(one, small),
      },
      {
        id: 'one-on-small',
        hidden: true,
        root: true,
        needs: 'one',
        before: warmBase(oneOnSmall, small, cold),
        command: buildingCold(oneOnSmall, small),
      },
      {
        id: 'twenty',
        title: '20 × RUN true, util-linux',
        aim: 35,
        perStep: 20,
        root: true,
        before: cold,
        command: (builder) => withFlags(buildingCold(twenty, small)(builder), builder, ['--isolation', 'namespaces']),
      },
      {
        id: 'twenty-runc',
        title: '20 × RUN true, runc',
        aim: 60,
        perStep: 20,
        root: true,
        needs: 'twenty',
        onlyOurs: true,
        before: cold,
        command: (builder) => withFlags(buildingCold(twenty, small)(builder), builder, ['--isolation', 'runc']),
      },
      {
        id: 'exec',
        title: '10 × exec true in a running container',
        aim: 150,
        perStep: 10,
        root: true,
        onlyOurs: true,
        before: (builder) => {
          quietly(shell(`${words(builder.run('rm', '-f', 'bench'))} 2>/dev/null || true`), { env });
          cold(builder);
          quietly(builder.run('run', '-d', '--name', 'bench', 'tsbuild-bench-base', 'sleep', '600'), { env });
        },
        command: (builder) => {
          const exec = words(builder.run('exec', 'bench', 'true'));
          return shell(`set -e; i=0; while [ $i -lt 10 ]; do ${exec}; i=$((i+1)); done`);
        },
        after: (builder) => quietly(builder.run('rm', '-f', 'bench'), { env }),
      },
      {
        id: 'copy-on-big',
        title: 'FROM + COPY + CMD on a big base',
        aim: 4,
        against: 'node -e 0',
        limit: limits('node -e 0', `exec ${process.execPath} -e 0`),
        before: (builder) => (cold(builder), change(smallFile)()),
        command: buildingCold(copyOnBig, small),
      },
      {
        id: 'save',
        isGreat: true,
        writes: treeBytes,
        title: 'save',
        aim: 1.3,
        against: 'cp of the archive',
        limit: limits('cp of the archive', `cp ${into}/saved.tar ${into}/copied.tar`, () =>
          rmSync(`${into}/copied.tar`, { force: true }),
        ),
        first: (builder) => {
          quietly(builder.build({ file: copy, context: tree, tag: saved(builder) }), { env });
          quietly(builder.save(saved(builder), `${into}/saved.tar`), { env });
        },
        before: (builder) => {
          quietly(builder.build({ file: copy, context: tree, tag: saved(builder) }), { env: builder.env });
          rmSync(`${into}/again.tar`, { force: true });
        },
        command: (builder) => builder.save(saved(builder), `${into}/again.tar`),
      },
      {
        id: 'gzip',
        title: 'gzip of a layer for a push, all cores',
        aim: 0.56,
        against: 'one core',
        onlyOurs: true,
        limit: { name: 'one core', command: gzip(1) },
        command: () => gzip(0),
      },
      ...(env.DOCKER_HOST === undefined
        ? []
        : [
            {
              id: 'load',
              title: 'build --load, one small layer of a big image changed',
              aim: 150,
              perStep: 1,
              isGreat: true,
              before: (builder) => {
                quietly(loading(builder), { env: builder.env });
                change(smallFile)();
              },
              command: (builder) => loading(builder),
            },
          ]),
      {
        id: 'four',
        title: 'four stages of sleep 1',
        aim: 1.25,
        against: 'sleep 1',
        root: true,
        limit: limits('sleep 1', 'exec sleep 1'),
        before: cold,
        command: buildingCold(four, small),
      },
    ].filter(({ id, needs }) => wanted(id, needs ?? id, ...(id === 'cold' ? ['changed'] : []))),
    cli,
  };
}

/** Each builder's own: two of them may share an engine. */
const saved = ({ name }) => `tsbuild-bench-saved-${name.toLowerCase().replaceAll(' ', '-')}`;

const withFlags = (command, builder, flags) =>
  builder.isOurs === true ? [...command.slice(0, -1), ...flags, command.at(-1)] : command;

/** The base is unpacked by an earlier step, as it is on any machine that builds often. */
function warmBase(file, context, cold) {
  return (builder) => {
    cold(builder);
    if (builder.isOurs !== true) return;
    const warming = `${file}.warm`;
    quietly(['sh', '-c', `sed 's/^RUN.*/RUN true/' ${file} > ${warming}`]);
    quietly(builder.build({ file: warming, context }), { env: builder.env });
  };
}
