import { request as plain } from 'node:http';
import { request as secured } from 'node:https';

/** A lost trace costs a build no more than this, in milliseconds. */
const LONGEST_EXPORT = 2000;

/**
 * Sends a document to a collector. Never rejects, and takes {@link LONGEST_EXPORT} at most, a slow answer and a slow name
 * server included.
 * @returns why it was lost, for people; undefined when the collector took it
 */
export async function postTrace(
  endpoint: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<string | undefined> {
  let close = (): void => {};
  let timer: NodeJS.Timeout | undefined;
  const lost = await new Promise<string | undefined>((resolve) => {
    timer = setTimeout(() => resolve(`no answer in ${LONGEST_EXPORT / 1000} seconds`), LONGEST_EXPORT);
    try {
      const request = endpoint.protocol === 'https:' ? secured : plain;
      const content = Buffer.from(body);
      const length = { 'content-type': 'application/json', 'content-length': content.length };
      // No agent: a connection that is kept would keep the process.
      const sent = request(endpoint, { method: 'POST', headers: { ...headers, ...length }, agent: false });
      close = () => void sent.destroy();
      sent.on('error', (error) => resolve(error.message));
      sent.on('response', (response) => {
        const { statusCode = 0 } = response;
        response.resume();
        resolve(statusCode >= 200 && statusCode < 300 ? undefined : `it answered ${statusCode}`);
      });
      sent.end(content);
    } catch (error) {
      // Headers that HTTP does not allow.
      resolve(error instanceof Error ? error.message : String(error));
    }
  });
  clearTimeout(timer);
  close();
  return lost;
}
