import { SPECIFICATION } from '../quirks.ts';
import type { Quirks } from '../quirks.ts';

/**
 * Amazon ECR.
 * - Chunks: an upload says 201, and `Range` stays at the first chunk (aws/containers-roadmap#2831).
 * - An index of layers, BuildKit's old cache, is refused (aws/containers-roadmap#876, #505; moby/buildkit#2251).
 * - A repository must exist before the first push, or it is 404 NAME_UNKNOWN (user guide, "Pushing an image").
 * - Blobs are mounted only where the account setting BLOB_MOUNTING is on (user guide, "Blob mounting").
 * - IMMUTABLE_WITH_EXCLUSION: 400 TAG_INVALID "cannot be overwritten because the tag is immutable"
 *   (osscontainertools/kaniko#204, moby/buildkit#3776); here all tags but `main` and `cache-*`.
 */
export const ECR: Quirks = {
  ...SPECIFICATION,
  chunks: 'silent',
  patchStatus: 201,
  mounts: false,
  looseIndexes: false,
  immutable: {
    status: 400,
    code: 'TAG_INVALID',
    message: 'The image tag already exists and cannot be overwritten because the tag is immutable.',
    except: /^(?:main$|cache-)/,
  },
  createsRepositories: false,
};
