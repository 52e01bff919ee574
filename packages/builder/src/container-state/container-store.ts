import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readlinkSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isAbandoned } from '@tsbuild/oci/internal';
import { BuildError } from '../diagnostics/build-error.ts';
import type { Fault } from '../disk/kept-file.ts';
import { removeTree } from '../disk/remove-tree.ts';
import { storePath } from '../disk/store-paths.ts';
import { Container } from './container.ts';
import { randomName } from './random-name.ts';

/** Docker's rule. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** All containers of a store: `containers/<id>`, and `container-names/<name>`, links that say whose a name is. */
export class ContainerStore {
  readonly #directory: string;
  readonly #names: string;

  /** @param root the store's directory */
  constructor(root: string) {
    this.#directory = storePath(root, 'containers');
    this.#names = storePath(root, 'container-names');
  }

  /**
   * The descriptions that are damaged, and what became of a container. One without a description cannot be listed or
   * started; what it wrote is in `upper` beside it.
   */
  verify(): readonly Fault[] {
    return this.#ids().flatMap((id) => Container.verify(join(this.#directory, id)));
  }

  /** Newest first. */
  list(): readonly Container[] {
    return this.#ids()
      .flatMap((id) => Container.read(join(this.#directory, id)) ?? [])
      .toSorted((a, b) => (a.config.created < b.config.created ? 1 : -1));
  }

  /**
   * By whole ID, by name, or by the beginning of an ID.
   * @throws BuildError `CONTAINER_NOT_FOUND`, `CONTAINER_AMBIGUOUS`
   */
  find(word: string): Container {
    const name = word.replace(/^\//, '');
    const byId = /^[0-9a-f]{64}$/.test(name) ? Container.read(join(this.#directory, name)) : undefined;
    const found = byId ?? this.#named(name) ?? this.#byPrefix(name);
    if (found !== undefined) return found;
    throw new BuildError('CONTAINER_NOT_FOUND', `No such container: ${word}`, {
      hint: '"tsbuild ps -a" lists all of them',
    });
  }

  /**
   * Reserves an ID and a name, and makes the container's directory. It is a container when its config is written.
   * @throws BuildError `CONTAINER_NAME_TAKEN`, `OPTION_INVALID`
   */
  reserve(wanted: string | undefined): { readonly id: string; readonly name: string; readonly directory: string } {
    const id = randomBytes(32).toString('hex');
    const directory = join(this.#directory, id);
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    this.#clear();
    mkdirSync(directory, { mode: 0o700 });
    try {
      return { id, name: wanted === undefined ? this.#anyName(id) : this.claimName(wanted, id), directory };
    } catch (error) {
      rmSync(directory, { recursive: true });
      throw error;
    }
  }

  /** Takes a name for a container. @throws BuildError `CONTAINER_NAME_TAKEN`, `OPTION_INVALID` */
  claimName(wanted: string, id: string): string {
    const name = wanted.replace(/^\//, '');
    if (!NAME.test(name)) {
      throw new BuildError(
        'OPTION_INVALID',
        `Invalid container name (${wanted}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
        {
          hint: 'two characters or more, the first a letter or digit',
        },
      );
    }
    const owner = this.#tryName(name, id);
    if (owner === undefined) return name;
    throw new BuildError(
      'CONTAINER_NAME_TAKEN',
      `Conflict. The container name ${JSON.stringify(`/${name}`)} is already in use by container ${JSON.stringify(owner)}. You have to remove (or rename) that container to be able to reuse that name`,
      { hint: `tsbuild rm ${name}, or tsbuild rename ${name} NEW` },
    );
  }

  /** Gives a name back, if it is this container's. */
  releaseName(name: string, id: string): void {
    if (this.#ownerOf(name) === id) rmSync(join(this.#names, name), { force: true });
  }

  /** Takes everything of a container away. It must not run. */
  async remove(container: Container): Promise<void> {
    // Without its config it is no container any more: one that is half removed is cleared away later.
    rmSync(join(container.directory, 'config.json'), { force: true });
    this.releaseName(container.name, container.id);
    // Its monitor may be taking its socket away at this very moment, which ends one attempt.
    for (let attempt = 0; attempt < 10 && existsSync(container.directory); attempt++) {
      await removeTree(container.directory);
    }
  }

  #anyName(id: string): string {
    for (let attempt = 0; ; attempt++) {
      const name = attempt < 20 ? randomName() : `${randomName()}_${id.slice(0, 6)}`;
      if (this.#tryName(name, id) === undefined) return name;
    }
  }

  /** Undefined when the name is ours now, else the ID of whom it belongs to. */
  #tryName(name: string, id: string): string | undefined {
    mkdirSync(this.#names, { recursive: true, mode: 0o755 });
    for (;;) {
      try {
        symlinkSync(id, join(this.#names, name));
        return undefined;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const owner = this.#ownerOf(name);
      if (owner !== undefined && statSync(join(this.#directory, owner), { throwIfNoEntry: false })) return owner;
      rmSync(join(this.#names, name), { force: true });
    }
  }

  #ownerOf(name: string): string | undefined {
    try {
      return readlinkSync(join(this.#names, name));
    } catch {
      return undefined;
    }
  }

  #named(name: string): Container | undefined {
    const id = NAME.test(name) ? this.#ownerOf(name) : undefined;
    return id === undefined ? undefined : Container.read(join(this.#directory, id));
  }

  #byPrefix(prefix: string): Container | undefined {
    if (!/^[0-9a-f]+$/.test(prefix)) return undefined;
    const found = this.#ids()
      .filter((id) => id.startsWith(prefix))
      .flatMap((id) => Container.read(join(this.#directory, id)) ?? []);
    if (found.length < 2) return found[0];
    throw new BuildError('CONTAINER_AMBIGUOUS', `Multiple IDs found with provided prefix: ${prefix}`, {
      hint: 'use more digits of the ID',
    });
  }

  #ids(): readonly string[] {
    try {
      return readdirSync(this.#directory).filter((name) => /^[0-9a-f]{64}$/.test(name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  /** Clears away what a killed process had half made or half removed. */
  #clear(): void {
    for (const id of this.#ids()) {
      const directory = join(this.#directory, id);
      const made = statSync(join(directory, 'config.json'), { throwIfNoEntry: false }) !== undefined;
      const age = Date.now() - (statSync(directory, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (!made && isAbandoned('unknown', () => age)) void removeTree(directory).catch(() => {});
    }
  }
}
