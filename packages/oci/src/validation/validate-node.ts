import { decompress } from '../compression/compression.ts';
import { validatorWith } from './validate.ts';
import type { ValidateImage } from './validate.ts';

/** {@link validatorWith} all compressions that layers may have, zstd too. */
export const validateImage: ValidateImage = validatorWith((source) => decompress(source));
