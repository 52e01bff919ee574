/** What a token must allow (distribution token scope): one or several `repository:name:actions`. */
export type Scope = readonly string[];

/** To read. */
export function pullScope(repository: string): Scope {
  return [`repository:${repository}:pull`];
}

/** To write, and to mount blobs of another repository. */
export function pushScope(repository: string, mountFrom?: string): Scope {
  const own = `repository:${repository}:pull,push`;
  return mountFrom === undefined ? [own] : [own, `repository:${mountFrom}:pull`];
}

/** To delete. */
export function deleteScope(repository: string): Scope {
  return [`repository:${repository}:pull,delete`];
}

/** To list the repositories of a registry. */
export function catalogScope(): Scope {
  return ['registry:catalog:*'];
}

/** The repository that a scope is about; undefined for none. */
export function scopeRepository(scope: Scope): string | undefined {
  return /^repository:(.*):[^:]*$/.exec(scope[0] ?? '')?.[1];
}

/**
 * What we want together with what the registry's challenge asks for: some want more than the spec foresees. Oddly
 * formed wishes are dropped.
 */
export function withChallenge(scope: Scope, challenge: string | undefined): Scope {
  const wished = (challenge ?? '')
    .split(' ')
    .filter((one) => /^[a-z]+(?:\([a-z]+\))?:[\w./:-]{1,300}:[\w,*]{1,100}$/.test(one));
  const extra = wished.slice(0, 8).filter((one) => !scope.some((own) => covers(own, one)));
  return [...scope, ...extra];
}

function covers(own: string, other: string): boolean {
  const split = (text: string): [string, readonly string[]] => {
    const at = text.lastIndexOf(':');
    return [text.slice(0, at), text.slice(at + 1).split(',')];
  };
  const [name, actions] = split(own);
  const [otherName, otherActions] = split(other);
  return name === otherName && otherActions.every((action) => actions.includes(action));
}
