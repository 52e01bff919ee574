import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A folder outside of every root: nothing in it may change, and its secret may be in nothing that is made. */
export class Canary {
  readonly path: string;
  readonly secret = randomBytes(16).toString('hex');

  constructor(path: string) {
    this.path = path;
    mkdirSync(join(path, 'folder'), { recursive: true, mode: 0o750 });
    writeFileSync(join(path, 'secret.txt'), `${this.secret}\n`, { mode: 0o640 });
    writeFileSync(join(path, 'folder/inner.txt'), `${this.secret}\n`, { mode: 0o600 });
    symlinkSync('secret.txt', join(path, 'link'));
  }

  /** All that can be told of it, but for times of access. */
  state(): string {
    const lines: string[] = [];
    const visit = (path: string): void => {
      const { mode, uid, gid, nlink, size, mtimeMs, ctimeMs } = lstatSync(path);
      lines.push([path, mode.toString(8), uid, gid, nlink, size, mtimeMs, ctimeMs].join(' '));
      if ((mode & 0o170000) === 0o100000) lines.push(readFileSync(path, 'latin1'));
      if ((mode & 0o170000) === 0o040000) for (const name of readdirSync(path).toSorted()) visit(join(path, name));
    };
    visit(this.path);
    return lines.join('\n');
  }
}
