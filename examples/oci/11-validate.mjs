#!/usr/bin/env node
// Checks an image of an OCI layout: digests, sizes, diffIDs, history, media types. Prints every problem that there is.
//
//   node examples/oci/11-validate.mjs DIRECTORY [NAME]
// @ts-check
import { DirectoryBlobStore, fromLayout, validateImage } from '@tsbuild/oci/node';

const [directory = '', name] = process.argv.slice(2);
const { descriptor } = await fromLayout(directory, { name });
const problems = await validateImage(new DirectoryBlobStore(directory), descriptor);
for (const { where, message } of problems) console.log(`${where}: ${message}`);
console.log(problems.length === 0 ? `${descriptor.digest} is sound` : `${descriptor.digest} is damaged`);
if (problems.length > 0) process.exitCode = 1;
