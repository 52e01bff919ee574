/** Nothing, a variable, or a word that stands for the secret to come. */
export const PLACEHOLDER =
  /^(?:|\$.*|<.*>|\{\{.*\}\}|x+|\*+|\.+|-+|_+|(?:please[-_ ]?)?(?:change|replace|insert|fill|enter|set|put|add)[-_ ]?(?:me|it|this|in|your|here|with).*|(?:your|my|some|the|a|an)[-_ ].*|.*[-_](?:here|goes[-_]here|placeholder)|example.*|sample.*|todo|tbd|fixme|none|null|nil|undefined|true|false|yes|no|on|off|enabled?|disabled?|test(?:ing)?|dummy|fake|mock|foo|bar|baz|demo|dev(?:elopment)?|local(?:host)?|default|placeholder|secret|password|passwd|token|key)$/i;

/** Passwords that everybody knows, of images that ask to change them and of tutorials. */
const DEFAULT_VALUES =
  /^(?:admin|administrator|root|user|username|guest|postgres(?:ql)?|mysql|mariadb|mongo(?:db)?|redis|rabbitmq|minio|minioadmin|sa|oracle|elastic|changeit|letmein|qwerty|passw[o0]rd|pass|p@ssw[o0]rd|123456?7?8?9?0?|admin123|password1?(?:23)?|secret123|supersecret|s3cr3t|keyboard cat)$/i;

/** What is set beside secrets and is none: how long, which kind, where. */
const SETTING =
  /(?:^|_)(?:mode|type|kind|name|names|method|methods|provider|providers|strategy|driver|backend|engine|service|server|host|hostname|port|url|uri|urls|endpoint|domain|realm|region|path|dir|directory|folder|file|filename|format|prefix|suffix|header|headers|field|scheme|scope|scopes|issuer|audience|callback|redirect|algorithm|algo|alg|hasher|digest|encoding|rounds|cost|iterations|length|size|bits|min|max|minimum|maximum|limit|limits|ratelimit|rate|throttle|count|attempts|retries|lockout|ttl|age|expiry|expires|expiration|expire|exp|lifetime|duration|timeout|interval|period|days|hours|minutes|seconds|enabled|enable|disabled|disable|required|require|allowed|allow|debug|level|policy|version|rotation|refresh|reset|template|table|column|model|guard|broker|id|ids|user|username|email|login|group|role|public|publishable|site|label|index|cache|store|sort|primary|foreign|partition|routing|object)(?:_|$)/i;
/** Words that a secret's name has; the first say it alone, the others only with a value that looks like one. */
const SURE = /(?:^|_)(?:apikey|password|passwd|pword|pwd|passphrase|secret|secrets|token|credentials?)(?:_|$)/i;
const MAYBE = /(?:^|_)(?:auth|key|salt|pin)(?:_|$)/i;
/** Settings by their words, secrets for all that. */
const SECRET_ALL_THE_SAME =
  /(?:^|_)(?:secret_key_base|secret_access_key|refresh_token|refresh_secret|reset_secret|user_password|email_password|email_host_password|host_password|login_password|server_key|service_role_key|cache_password|domain_password|role_secret)$/i;

/** Whether a line `NAME=value` of a file of variables gives a secret away. */
export function isSecretVariable(name: string, value: string): boolean {
  const [, user, password] = /^[a-z][a-z0-9+.-]*:\/\/([^\s:/@]*):([^\s@]+)@/i.exec(value) ?? [];
  if (password !== undefined) return password !== user && !isHarmlessValue(name, password) && looksThoughtUp(password);
  if (/PUBLISHABLE|PUBLIC|SITE_KEY/i.test(name) || isHarmlessValue(name, value)) return false;
  const words = name.replace(/([a-z\d])([A-Z])/g, '$1_$2');
  const isSetting = SETTING.test(words) && !SECRET_ALL_THE_SAME.test(words);
  if (SURE.test(words)) return !isSetting || looksRandom(value);
  return MAYBE.test(words) && !isSetting && looksRandom(value);
}

function isHarmlessValue(name: string, value: string): boolean {
  if (PLACEHOLDER.test(value) || DEFAULT_VALUES.test(value)) return true;
  // The keys of AWS's documentation, and rows of x.
  if (/EXAMPLE(?:KEY)?$/.test(value) || /x{8}/i.test(value)) return true;
  // Numbers, durations and rates; paths and addresses without a password; the name itself, or a part of it.
  if (/^\d{0,6}(?:\.\d+)?\s*(?:ms|s|m|h|d|w|sec|min|minutes?|hours?|days?|k|kb|mb|%)?(?:\/\w+)?$/i.test(value))
    return true;
  if (/^(?:\.{0,2}\/|~\/)/.test(value) || /^[a-z][a-z0-9+.-]*:\/\/[^\s@]*$/i.test(value)) return true;
  const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  return (
    plain(name).includes(plain(value)) ||
    /(?:^|[-_.])(?:change[-_]?me|replace[-_]?me|your[-_]|example|placeholder|insecure|not[-_]so[-_]secret|do[-_]not[-_]use)/i.test(
      value,
    )
  );
}

/** A password in the address of a service: tutorials have plain words there, for databases that only they reach. */
function looksThoughtUp(password: string): boolean {
  return password.length >= 8 && /\d/.test(password);
}

/** Letters and digits that nobody has thought up: long, and of more than one kind. */
function looksRandom(value: string): boolean {
  if (value.length < 16 || /\s/.test(value)) return false;
  const kinds = [/[a-z]/, /[A-Z]/, /\d/].filter((kind) => kind.test(value)).length;
  return kinds >= 2 && /\d/.test(value);
}
