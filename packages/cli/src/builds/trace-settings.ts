/** What the environment says of traces, in OpenTelemetry's variables. */
export interface TraceSettings {
  /** Where spans go; undefined for nowhere. */
  readonly endpoint?: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** What the collector knows the program by. */
  readonly resource: Readonly<Record<string, string>>;
  /** The span that the build belongs to. */
  readonly parent?: TraceParent;
  /** Why nothing is sent although something was asked for, for people. */
  readonly problem?: string;
}

/** The trace that a build is part of. */
interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly state?: string;
}

type Env = Readonly<Record<string, string | undefined>>;

const PREFIX = 'OTEL_EXPORTER_OTLP_';

/**
 * Reads OpenTelemetry's variables and `TRACEPARENT`. What cannot be understood is a problem to be told, and never an error: a
 * build does not fail for its trace.
 * @see https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 */
export function traceSettings(env: Env): TraceSettings {
  const parent = traceParent(env);
  const resource = { 'service.name': 'tsbuild', ...pairs(env['OTEL_RESOURCE_ATTRIBUTES']) };
  const service = env['OTEL_SERVICE_NAME'];
  const settings = {
    headers: pairs(env[`${PREFIX}TRACES_HEADERS`] ?? env[`${PREFIX}HEADERS`]),
    resource: service ? { ...resource, 'service.name': service } : resource,
    ...(parent === undefined ? {} : { parent: parent.of }),
  };
  const isOff = env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none';
  // Who decided not to record the trace decided for its parts, too.
  if (isOff || parent?.isSampled === false) return settings;
  const address = addressOf(env);
  if (address === undefined) return settings;
  const protocol = env[`${PREFIX}TRACES_PROTOCOL`] || env[`${PREFIX}PROTOCOL`];
  if (protocol === 'grpc')
    return {
      ...settings,
      problem: `${PREFIX}PROTOCOL=grpc is not supported; set http/json and its endpoint (port 4318)`,
    };
  const endpoint = URL.canParse(address) ? new URL(address) : undefined;
  if (endpoint === undefined || !/^https?:$/.test(endpoint.protocol))
    return { ...settings, problem: `${PREFIX}ENDPOINT is no http or https URL` };
  return { ...settings, endpoint };
}

/** The endpoint of all signals is a base; that of traces is taken as it is. */
function addressOf(env: Env): string | undefined {
  const own = env[`${PREFIX}TRACES_ENDPOINT`];
  if (own) return own;
  const base = env[`${PREFIX}ENDPOINT`];
  return base ? `${base.replace(/\/+$/, '')}/v1/traces` : undefined;
}

/** `key=value,key=value`, percent-encoded as W3C baggage is. */
function pairs(text = ''): Readonly<Record<string, string>> {
  const found = text.split(',').flatMap((pair) => {
    const equals = pair.indexOf('=');
    const name = decoded(pair.slice(0, Math.max(0, equals)).trim());
    return equals < 1 || name === '' ? [] : [[name, decoded(pair.slice(equals + 1).trim())] as const];
  });
  return Object.fromEntries(found);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @see https://www.w3.org/TR/trace-context/#traceparent-header: what is malformed counts as missing */
function traceParent(env: Env): { readonly of: TraceParent; readonly isSampled: boolean } | undefined {
  const text = env['TRACEPARENT'] ?? '';
  const [, version, traceId = '', spanId = '', flags = ''] =
    /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/.exec(text) ?? [];
  if (version === undefined || version === 'ff' || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  const state = env['TRACESTATE'];
  const isSampled = (Number.parseInt(flags, 16) & 1) === 1;
  return { of: { traceId, spanId, ...(state ? { state } : {}) }, isSampled };
}
