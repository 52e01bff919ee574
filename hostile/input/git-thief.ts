import type { RequestListener } from 'node:http';

const ADVERTISEMENT =
  '001e# service=git-upload-pack\n0000' +
  '000eversion 2\n' +
  '000fagent=evil\n' +
  '000cls-refs\n' +
  '0012fetch=shallow\n' +
  '0000';

/**
 * A server that takes itself for any git repository (gitprotocol-v2(5)) as far as it must to be sent a second request, and
 * for any file.
 */
export const pretendRepository: RequestListener = (request, response) => {
  const isGit = request.url?.includes('service=git-upload-pack') === true;
  const headers = isGit ? { 'Content-Type': 'application/x-git-upload-pack-advertisement' } : {};
  response.writeHead(request.method === 'GET' ? 200 : 500, headers).end(isGit ? ADVERTISEMENT : '');
};
