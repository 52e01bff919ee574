/** A whole name, or a word of it between underscores: `API_KEY`, `GITHUB_TOKEN`, `auth`. */
const SECRET = /(?:_|^)(?:apikey|auth|credential|credentials|key|password|pword|passwd|secret|token)(?:_|$)/i;
/** What only names a place or a version, or may be known to all. */
const HARMLESS = /(?:_|^)(?:public|file|version)(?:_|$)/i;

/** Whether a variable's name says that its value is a secret; BuildKit's list of words. */
export function isSecretName(name: string): boolean {
  return SECRET.test(name) && !HARMLESS.test(name);
}
