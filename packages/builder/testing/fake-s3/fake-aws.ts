import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The services of AWS that hand out credentials, on one port: STS at `/sts`, a container's at `/container`, the machine's at `/latest`. */
export class FakeAws implements AsyncDisposable {
  /** `METHOD path`, in order. */
  readonly requests: string[] = [];
  /** The one that the next request gets. */
  accessKeyId = 'AKIDEXAMPLE';
  /** Milliseconds since 1970. */
  expires = Date.now() + 60 * 60 * 1000;
  /** Every request fails. */
  isDown = false;
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch(() => response.destroy());
  });

  static async start(): Promise<FakeAws> {
    const fake = new FakeAws();
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    this.requests.push(`${request.method} ${path}`);
    const parts: Buffer[] = [];
    for await (const chunk of request) parts.push(chunk as Buffer);
    const body = Buffer.concat(parts).toString();
    const answer = this.isDown ? undefined : this.#answerTo(`${request.method} ${path}`, body, request);
    response.writeHead(answer === undefined ? 404 : 200).end(answer);
  }

  #answerTo(asked: string, body: string, { headers }: IncomingMessage): string | undefined {
    switch (asked) {
      case 'POST /sts':
        return this.#sts(new URLSearchParams(body));
      case 'GET /container':
        return headers.authorization === 'pod-token' ? this.#json() : undefined;
      case 'PUT /latest/api/token':
        return headers['x-aws-ec2-metadata-token-ttl-seconds'] === undefined ? undefined : 'session-of-imds';
      case 'GET /latest/meta-data/iam/security-credentials/':
        return headers['x-aws-ec2-metadata-token'] === 'session-of-imds' ? 'builder role\n' : undefined;
      case 'GET /latest/meta-data/iam/security-credentials/builder%20role':
        return headers['x-aws-ec2-metadata-token'] === 'session-of-imds' ? this.#json() : undefined;
      default:
        return undefined;
    }
  }

  #sts(form: URLSearchParams): string | undefined {
    const isGood =
      form.get('Action') === 'AssumeRoleWithWebIdentity' &&
      form.get('RoleArn') === 'arn:aws:iam::1:role/builder' &&
      form.get('WebIdentityToken') === 'token-of-the-cluster';
    if (!isGood) return undefined;
    return `<AssumeRoleWithWebIdentityResponse><Credentials><AccessKeyId>${this.accessKeyId}</AccessKeyId>
      <SecretAccessKey>very-secret</SecretAccessKey><SessionToken>session</SessionToken>
      <Expiration>${new Date(this.expires).toISOString()}</Expiration></Credentials></AssumeRoleWithWebIdentityResponse>`;
  }

  #json(): string {
    return JSON.stringify({
      AccessKeyId: this.accessKeyId,
      SecretAccessKey: 'very-secret',
      Token: 'session',
      Expiration: new Date(this.expires).toISOString(),
    });
  }
}
