/** Names of variables whose values are nobody's business. */
const SECRET_NAME =
  /pass(?:wd|word|phrase)?|secret|token|credential|api_?key|private|auth|(?:^|_)(?:pwd|key|pat)(?:_|$)/i;
/** Values that give themselves away: tokens of GitHub, GitLab, npm, Slack, AWS and Google, JSON web tokens, private keys. */
const SECRET_VALUE =
  /\b(?:gh[pousr]_|github_pat_|glpat-|npm_|xox[abprs]-|AKIA|ASIA|AIza|sk-|eyJ[\w-]+\.eyJ)[\w-]{8,}|-----BEGIN [A-Z ]*PRIVATE KEY/;
const MASK = '***';

/** The value of a variable as it may be shown: a secret is three stars, whatever it is. */
export function maskedValue(name: string, value: string): string {
  return looksSecret(name, value) ? MASK : maskedText(value);
}

/** Text that may have secrets in it (a command, a URL with a password): they become stars. */
export function maskedText(text: string): string {
  return text
    .replace(/([a-z][a-z0-9+.-]*:\/\/)[^/\s@]+@/gi, `$1${MASK}@`)
    .replace(new RegExp(SECRET_VALUE, 'g'), MASK)
    .replace(/\b(\w+)=("[^"]*"|'[^']*'|[^\s&;|"']+)/g, (whole, name: string) =>
      SECRET_NAME.test(name) ? `${name}=${MASK}` : whole,
    );
}

/** Whether the name or the value of a variable says that it is a secret. */
export function looksSecret(name: string, value: string): boolean {
  return SECRET_NAME.test(name) || SECRET_VALUE.test(value);
}
